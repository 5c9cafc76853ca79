package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"
	_ "time/tzdata" // --timezone works where the system has no zones: Windows, bare images

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"logctl/consumer"
	"logctl/consumer/decode"
	"logctl/consumer/filter"
	"logctl/consumer/format"
	"logctl/consumer/tail"
	"logctl/internal/config"
	"logctl/internal/kafka"
	"logctl/internal/tlsfile"
)

// tailTopicFlags are the flags of tail-topic as they were given.
type tailTopicFlags struct {
	from, to, partitions, isolation string
	regex, noFollow, sort           bool
	window, idle, wait              time.Duration
	last                            int
	perPartition                    bool
	count                           int64
	maxRecord, maxMemory            string

	output, format, separator, color string
	timezone                         string
	utc, headers, rawControl, quiet  bool
	showZone                         bool
	rate                             bool

	include, exclude, highlight []string
	key                         string
	header, where               []string

	decode, decodeKey, show, showKey string
	registry                         string
	schema, proto, protoPath         []string
	message                          string
}

// leastMemory is what the process takes without records, and some more, bytes.
const leastMemory = 96 << 20

// codeMemory is what the code and its tables take of it, which the runtime does not count.
const codeMemory = 48 << 20

func newTailTopicCmd(a *app) *cobra.Command {
	f := &tailTopicFlags{}
	cmd := &cobra.Command{
		Use:     "tail-topic TOPIC...",
		Short:   "Print the records of topics, from all partitions",
		Long:    tailTopicLong(),
		Example: tailTopicExamples,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &usageError{errors.New("tail-topic needs the name of a topic; see 'logctl tail-topic --help'")}
			}
			return nil
		},
		ValidArgsFunction: a.completeTopics,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := f.build(a, cmd, args)
			if err != nil {
				return err
			}
			// Garbage is collected sooner as --max-memory comes near: what is refused for its
			// size left buffers behind.
			defer debug.SetMemoryLimit(debug.SetMemoryLimit(min(max(cfg.Reader.MaxMemory-codeMemory, leastMemory), debug.SetMemoryLimit(-1))))
			err = tail.Run(cmd.Context(), cfg)
			return explainTail(err)
		},
	}
	f.addReadFlags(cmd.Flags())
	f.addShowFlags(cmd.Flags())
	f.addDecodeFlags(cmd.Flags())
	a.completeTailTopic(cmd)
	return cmd
}

func (f *tailTopicFlags) addReadFlags(s *pflag.FlagSet) {
	s.StringVar(&f.from, "from", "", "where to start: newest (default), oldest, -N, +N, an offset, a time, -15m, 0=120,3=-5")
	s.StringVar(&f.to, "to", "", "where to end, exclusive; the same forms (default: never)")
	s.IntVarP(&f.last, "last", "n", -1, "start with the last `N` records of the topics, merged by time")
	s.BoolVar(&f.perPartition, "per-partition", false, "-n counts in each partition, without merging")
	s.StringVarP(&f.partitions, "partitions", "p", "", "only these partitions: 0,2,4-7")
	s.BoolVar(&f.noFollow, "no-follow", false, "end at the newest records as they are now")
	s.Int64VarP(&f.count, "count", "c", 0, "end after `N` records shown")
	s.DurationVar(&f.idle, "idle", 0, "end when no record came for this long")
	s.DurationVar(&f.wait, "wait", consumer.DefaultWait, "how long a read with an end waits for a partition that cannot be read, before it gives it up (exit 1)")
	s.StringVar(&f.maxRecord, "max-record", "64MiB", "records larger than this are passed over with a notice, and values that would be larger decoded are shown as they came")
	s.StringVar(&f.maxMemory, "max-memory", "512MiB", "what reading may take: compressed batches, and values being decoded, of more than a quarter of it are passed over with a notice")
	s.BoolVar(&f.regex, "regex", false, "the topics are regular expressions, each for whole names")
	s.BoolVar(&f.sort, "sort", false, "merge the partitions by time")
	s.DurationVar(&f.window, "sort-window", time.Second, "how long --sort waits for older records of other partitions when following")
	s.StringVar(&f.isolation, "isolation", "read_committed", "read_committed or read_uncommitted")
}

func (f *tailTopicFlags) addShowFlags(s *pflag.FlagSet) {
	s.StringVarP(&f.output, "output", "o", "text", "text, raw, json, table or count")
	s.StringVarP(&f.format, "format", "f", "", `print records by this template, as '%t/%p@%o %d{go[15:04:05]} %k=%v\n'`)
	s.StringVar(&f.separator, "separator", `\n`, "what text and raw print behind each record")
	s.BoolVar(&f.headers, "headers", false, "print headers (text and table; json always has them)")
	s.BoolVar(&f.rate, "rate", false, "print records/s of each partition every second, not records")
	s.StringVar(&f.timezone, "timezone", "", "zone of times printed and given, as Asia/Shanghai (default local)")
	s.BoolVar(&f.utc, "utc", false, "the same as --timezone UTC")
	s.BoolVar(&f.showZone, "show-zone", false, "print the offset of the zone behind times (text and table; json always has it)")
	s.StringVar(&f.color, "color", "auto", "auto, always or never; auto obeys NO_COLOR and CLICOLOR_FORCE")
	s.BoolVar(&f.rawControl, "raw-control", false, "let control characters through to a terminal")
	s.BoolVarP(&f.quiet, "quiet", "q", false, "nothing on stderr but errors")
	s.StringArrayVarP(&f.include, "include", "i", nil, "only values that match this expression (repeat: any of them)")
	s.StringArrayVarP(&f.exclude, "exclude", "e", nil, "no values that match this expression (repeatable)")
	s.StringArrayVarP(&f.highlight, "highlight", "H", nil, "mark what matches this expression (repeatable)")
	s.StringVar(&f.key, "key", "", "only records whose key matches this expression (a record's key, not etcd's collect key)")
	s.StringArrayVar(&f.header, "header", nil, "only records with this header: name=value, name!=value, name~expression, name (repeat: all)")
	s.StringArrayVarP(&f.where, "where", "w", nil, "only JSON values with level=error, a.b!=c, msg~expr, status>=500 (repeat: all)")
}

func (f *tailTopicFlags) addDecodeFlags(s *pflag.FlagSet) {
	s.StringVarP(&f.decode, "decode", "d", "", "decode values: json, hex, base64, gzip, msgpack, avro, protobuf, long, int, short, double, float, or several as gzip,json")
	s.StringVar(&f.decodeKey, "decode-key", "", "decode keys, like --decode")
	s.StringVar(&f.show, "show", "", "show values as hex or base64")
	s.StringVar(&f.showKey, "show-key", "", "show keys as hex or base64")
	s.StringVar(&f.registry, "registry", "", "URLs of a schema registry, comma separated ([kafka] registry; logins, certificates and context: registry_...)")
	s.StringSliceVar(&f.schema, "schema", nil, "Avro schema `FILE` in place of a registry; the last one is the record's (repeatable)")
	s.StringSliceVar(&f.proto, "proto", nil, ".proto `FILE` in place of a registry (repeatable)")
	s.StringSliceVar(&f.protoPath, "proto-path", nil, "`DIR` where imports of --proto are found (repeatable)")
	s.StringVar(&f.message, "message", "", "full name of the Protobuf message, as shop.v1.Order")
}

// build turns the flags into the configuration of a run.
func (f *tailTopicFlags) build(a *app, cmd *cobra.Command, topics []string) (tail.Config, error) {
	settings, err := a.settings(cmd, nil)
	if err != nil {
		return tail.Config{}, err
	}
	log, err := a.logger(a.Err)
	if err != nil {
		return tail.Config{}, err
	}
	cfg := tail.Config{
		Last: -1, Count: f.count, Idle: f.idle, PerPartition: f.perPartition,
		Out: a.Out, Messages: a.Err, Quiet: f.quiet, Rate: f.rate, Total: f.output == "count",
	}
	if cmd.Flags().Changed("last") {
		cfg.Last = f.last
	}
	if err := f.check(cmd); err != nil {
		return cfg, &usageError{err}
	}
	loc, err := f.location()
	if err != nil {
		return cfg, &usageError{err}
	}
	if cfg.Reader, err = f.reader(topics, time.Now(), loc); err != nil {
		return cfg, &usageError{err}
	}
	cfg.Reader.Kafka, cfg.Reader.Log = kafkaConfig(settings), log
	if _, err := cfg.Reader.Kafka.Sarama(); err != nil {
		return cfg, &usageError{err}
	}
	if err := f.showing(a, &cfg, loc, len(topics) > 1 || f.regex); err != nil {
		return cfg, &usageError{err}
	}
	if err := f.decoding(a, cmd, settings.Kafka.Registry, &cfg); err != nil {
		return cfg, &usageError{err}
	}
	return cfg, nil
}

// check refuses flags that contradict each other.
func (f *tailTopicFlags) check(cmd *cobra.Command) error {
	changed := cmd.Flags().Changed
	switch {
	case changed("last") && f.last < 0:
		return fmt.Errorf("-n %d: want 0 or more", f.last)
	case f.wait <= 0:
		return fmt.Errorf("--wait %v: want more than 0", f.wait)
	case f.count < 0:
		return fmt.Errorf("--count %d: want 1 or more", f.count)
	case f.perPartition && !changed("last"):
		return errors.New("--per-partition goes with -n")
	case changed("last") && f.perPartition && changed("from"):
		return errors.New("-n with --per-partition and --from are two starts; give one")
	case f.utc && f.timezone != "":
		return errors.New("--utc and --timezone are two zones; give one")
	case f.format != "" && changed("output"):
		return errors.New("--format and --output are two outputs; give one")
	case f.rate && (f.format != "" || changed("output")):
		return errors.New("--rate prints rates and no records; leave --output and --format out")
	case f.output == "count" && !f.noFollow && f.to == "" && f.count == 0 && f.idle == 0:
		return errors.New("-o count prints when the read ends: add --no-follow, --to, --count or --idle")
	}
	return nil
}

func (f *tailTopicFlags) location() (*time.Location, error) {
	if f.utc {
		return time.UTC, nil
	}
	if f.timezone == "" {
		return time.Local, nil
	}
	loc, err := time.LoadLocation(f.timezone)
	if err != nil {
		return nil, fmt.Errorf("--timezone %q is not known; write a name like Europe/Berlin or Asia/Shanghai", f.timezone)
	}
	return loc, nil
}

// reader builds what is read.
func (f *tailTopicFlags) reader(topics []string, now time.Time, loc *time.Location) (consumer.Config, error) {
	c := consumer.Config{Topics: topics, Regex: f.regex, Follow: !f.noFollow, Sort: f.sort, SortWindow: f.window, Wait: f.wait}
	var err error
	if f.regex {
		if err = consumer.CheckTopics(topics); err != nil {
			return c, fmt.Errorf("--regex: %w", err)
		}
	}
	if c.From, err = consumer.ParseFromAt(f.from, now, loc); err != nil {
		return c, fmt.Errorf("--from: %w", err)
	}
	if c.To, err = consumer.ParseToAt(f.to, now, loc); err != nil {
		return c, fmt.Errorf("--to: %w", err)
	}
	if c.Partitions, err = consumer.ParsePartitions(f.partitions); err != nil {
		return c, fmt.Errorf("--partitions: %w", err)
	}
	if c.MaxRecord, err = config.ParseSize(f.maxRecord); err != nil {
		return c, fmt.Errorf("--max-record: %w", err)
	}
	if c.MaxMemory, err = config.ParseSize(f.maxMemory); err != nil {
		return c, fmt.Errorf("--max-memory: %w", err)
	}
	if c.Isolation, err = consumer.ParseIsolation(f.isolation); err != nil {
		return c, fmt.Errorf("--isolation: %w", err)
	}
	return c, nil
}

// showing builds the printer and the filter.
func (f *tailTopicFlags) showing(a *app, cfg *tail.Config, loc *time.Location, manyTopics bool) error {
	tty := isTerminal(a.Out)
	color, err := format.ParseColor(f.color, tty, a.getenv)
	if err != nil {
		return fmt.Errorf("--color: %w", err)
	}
	o := format.Options{Color: color, Escape: tty && !f.rawControl, Location: loc, Zone: f.showZone, Topic: manyTopics, Headers: f.headers}
	if o.Highlight, err = filter.Compile("highlight", f.highlight); err != nil {
		return err
	}
	if o.Separator, err = format.Unescape(f.separator); err != nil {
		return fmt.Errorf("--separator: %w", err)
	}
	o.Joined = o.Separator == ""
	if file, ok := a.Out.(*os.File); ok && tty {
		if w, _, err := term.GetSize(int(file.Fd())); err == nil {
			o.Width = w
		}
	}
	switch {
	case f.rate || f.output == "count":
	case f.format != "":
		cfg.Printer, err = format.NewTemplate(f.format, o)
	default:
		cfg.Printer, err = format.New(f.output, o)
	}
	if err != nil {
		return err
	}
	flt, err := filter.New(filter.Config{Include: f.include, Exclude: f.exclude, Key: f.key, Headers: f.header, Where: f.where})
	if err != nil {
		return err
	}
	if !flt.Empty() {
		cfg.Filter = flt
	}
	return nil
}

// decoding builds the decoders of values and keys.
func (f *tailTopicFlags) decoding(a *app, cmd *cobra.Command, r config.Registry, cfg *tail.Config) error {
	s := decode.Schemas{
		Registry:     cmp.Or(f.registry, r.URL, a.getenv("LOGCTL_SCHEMA_REGISTRY")),
		Context:      r.Context,
		User:         cmp.Or(r.User, a.getenv("LOGCTL_SCHEMA_REGISTRY_USER")),
		PasswordFile: cmp.Or(r.PasswordFile, a.getenv("LOGCTL_SCHEMA_REGISTRY_PASSWORD_FILE")),
		TokenFile:    r.TokenFile,
		TLS:          tlsfile.Files{CAFile: r.CAFile, CertFile: r.CertFile, KeyFile: r.KeyFile, KeyPasswordFile: r.KeyPasswordFile},
		AvroFiles:    f.schema, ProtoFiles: f.proto, ProtoPaths: f.protoPath, Message: f.message,
	}
	bounds := decode.Bounds{Record: cfg.Reader.MaxRecord, Memory: cfg.Reader.MaxMemory}
	build := func(names, show string) (decode.Decoder, error) {
		d, err := decode.New(cmd.Context(), names, s, bounds)
		if err != nil {
			return nil, err
		}
		form, err := decode.Show(show)
		if err != nil {
			return nil, err
		}
		return decode.Join(d, form), nil
	}
	var err error
	if cfg.Decoder, err = build(f.decode, f.show); err != nil {
		return err
	}
	cfg.Keys, err = build(f.decodeKey, f.showKey)
	return err
}

// explainTail puts an error into words for the operator.
func explainTail(err error) error {
	var missing *kafka.MissingTopicError
	var access *consumer.AccessError
	if err == nil || errors.As(err, &missing) || errors.As(err, &access) {
		return err
	}
	if text := kafka.Explain(err); text != "" {
		return errors.New(text)
	}
	return err
}
