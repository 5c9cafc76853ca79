module writers-go

go 1.26.8

require (
	github.com/DeRuina/timberjack v1.4.10
	github.com/golang/glog v1.2.5
	github.com/lestrrat-go/file-rotatelogs v2.4.0+incompatible
	gopkg.in/natefinch/lumberjack.v2 v2.2.1
	k8s.io/klog/v2 v2.140.0
)

require (
	github.com/go-logr/logr v1.4.1 // indirect
	github.com/jonboulle/clockwork v0.5.0 // indirect
	github.com/klauspost/compress v1.18.7 // indirect
	github.com/lestrrat-go/strftime v1.2.0 // indirect
	github.com/pkg/errors v0.9.1 // indirect
)
