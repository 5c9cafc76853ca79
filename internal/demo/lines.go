package demo

import (
	"math/rand/v2"
	"strconv"
	"time"
)

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

var (
	hosts   = []string{"203.0.113.7", "198.51.100.23", "192.0.2.141", "203.0.113.88", "198.51.100.9", "192.0.2.30"}
	pages   = []string{"/", "/index.html", "/api/v1/orders", "/api/v1/orders/48213", "/api/v1/cart", "/login", "/search?q=teapot", "/static/app.css", "/static/app.js", "/img/hero.webp", "/health"}
	methods = []string{"GET", "GET", "GET", "GET", "GET", "POST", "PUT", "DELETE"}
	agents  = []string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
		"curl/8.14.1", "kube-probe/1.33",
	}
)

// accessLine is a line of a web server's combined access log.
func accessLine(buf []byte, random *rand.Rand, now time.Time, trouble bool) []byte {
	status := pick(random, []int{200, 200, 200, 200, 200, 200, 200, 200, 204, 301, 304, 404})
	if random.IntN(100) == 0 || trouble && random.IntN(4) == 0 {
		status = pick(random, []int{500, 502, 503, 504})
	}
	buf = append(buf, pick(random, hosts)...)
	buf = append(buf, " - - ["...)
	buf = now.AppendFormat(buf, "02/Jan/2006:15:04:05 -0700")
	buf = append(buf, `] "`...)
	buf = append(buf, pick(random, methods)...)
	buf = append(buf, ' ')
	buf = append(buf, pick(random, pages)...)
	buf = append(buf, ` HTTP/1.1" `...)
	buf = strconv.AppendInt(buf, int64(status), 10)
	buf = append(buf, ' ')
	buf = strconv.AppendInt(buf, int64(random.IntN(48_000)), 10)
	buf = append(buf, ` "-" "`...)
	buf = append(buf, pick(random, agents)...)
	buf = append(buf, `" `...)
	return strconv.AppendFloat(buf, random.ExpFloat64()*0.04, 'f', 3, 64)
}

var (
	services = []string{"checkout", "inventory", "payment", "mailer"}
	calm     = []string{"order accepted", "stock reserved", "payment captured", "receipt sent", "cache refreshed", "session opened"}
	alarms   = []string{"upstream timed out after 3s", "connection refused by db-2:5432", "retrying, attempt 3 of 5", "card declined by issuer", "queue is full, dropping to disk"}
)

// appLine is a JSON object such as services log.
func appLine(buf []byte, random *rand.Rand, now time.Time, trouble bool) []byte {
	level, message := "info", pick(random, calm)
	switch {
	case random.IntN(50) == 0 || trouble && random.IntN(3) == 0:
		level, message = "error", pick(random, alarms)
	case random.IntN(12) == 0:
		level, message = "warn", pick(random, alarms)
	}
	buf = append(buf, `{"time":"`...)
	buf = now.AppendFormat(buf, "2006-01-02T15:04:05.000Z07:00")
	buf = append(buf, `","level":"`...)
	buf = append(buf, level...)
	buf = append(buf, `","service":"`...)
	buf = append(buf, pick(random, services)...)
	buf = append(buf, `","msg":"`...)
	buf = append(buf, message...)
	buf = append(buf, `","order":`...)
	buf = strconv.AppendInt(buf, int64(40_000+random.IntN(20_000)), 10)
	buf = append(buf, `,"took_ms":`...)
	buf = strconv.AppendInt(buf, int64(random.ExpFloat64()*25), 10)
	buf = append(buf, `,"trace":"`...)
	for range 4 {
		buf = append(buf, pick(random, hexPairs)...)
	}
	return append(buf, `"}`...)
}

var hexPairs = []string{"0a", "1f", "2c", "3e", "47", "5b", "68", "7d", "84", "9a", "a3", "b6", "c1", "d9", "e5", "f2"}

var (
	names    = []string{"王芳", "李伟", "张敏", "刘洋", "陈静", "杨帆", "赵磊", "黄丽"}
	cities   = []string{"北京", "上海", "广州", "深圳", "杭州", "成都", "武汉"}
	payments = []string{"支付宝", "微信支付", "银行卡", "余额"}
	failed   = []string{"余额不足", "银行系统超时", "风控拦截，需要人工审核", "重复提交"}
)

// tradeLine is a line of a payment system that logs in Chinese.
func tradeLine(buf []byte, random *rand.Rand, now time.Time, trouble bool) []byte {
	buf = now.AppendFormat(buf, "2006-01-02 15:04:05.000 ")
	bad := random.IntN(40) == 0 || trouble && random.IntN(4) == 0
	if bad {
		buf = append(buf, "[错误] 交易失败："...)
		buf = append(buf, pick(random, failed)...)
	} else {
		buf = append(buf, "[信息] 交易成功"...)
	}
	buf = append(buf, " 用户="...)
	buf = append(buf, pick(random, names)...)
	buf = append(buf, " 城市="...)
	buf = append(buf, pick(random, cities)...)
	buf = append(buf, " 方式="...)
	buf = append(buf, pick(random, payments)...)
	buf = append(buf, " 金额=¥"...)
	buf = strconv.AppendFloat(buf, 1+random.ExpFloat64()*180, 'f', 2, 64)
	buf = append(buf, " 流水号="...)
	return strconv.AppendInt(buf, 2_026_000_000+int64(random.IntN(90_000_000)), 10)
}
