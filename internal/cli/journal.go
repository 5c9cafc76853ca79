package cli

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/journal"
)

// journalHandler sends log records to the systemd journal: the whole line as MESSAGE, and
// each attribute as a field of its own, so that 'journalctl LOGCTL_PATH=/var/log/app.log'
// finds what concerns one file. What the journal does not take goes to fallback.
type journalHandler struct {
	level    slog.Leveler
	send     func(message string, priority journal.Priority, fields map[string]string) error
	fallback slog.Handler
	attrs    []slog.Attr // of With, inside their groups
	groups   []string    // that are open
}

// newJournalHandler writes to the journal of this host, and to w where there is none.
func newJournalHandler(w io.Writer, opts *slog.HandlerOptions) slog.Handler {
	text := slog.NewTextHandler(w, opts)
	if !journal.Enabled() {
		return text
	}
	return &journalHandler{level: opts.Level, send: journal.Send, fallback: text}
}

func (h *journalHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

func (h *journalHandler) Handle(ctx context.Context, r slog.Record) error {
	own := make([]slog.Attr, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool { own = append(own, a); return true })
	attrs := slices.Concat(h.attrs, h.within(own))
	fields := map[string]string{"SYSLOG_IDENTIFIER": "logctl"}
	for _, a := range attrs {
		addFields(fields, "LOGCTL_", a)
	}
	message := r.Message
	if rest := attrText(ctx, attrs); rest != "" {
		message += " " + rest
	}
	if err := h.send(message, priorityOf(r.Level), fields); err != nil {
		r2 := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
		r2.AddAttrs(attrs...)
		return h.fallback.Handle(ctx, r2)
	}
	return nil
}

func (h *journalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	n := *h
	n.attrs = slices.Concat(h.attrs, h.within(attrs))
	return &n
}

func (h *journalHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	n := *h
	n.groups = append(slices.Clip(h.groups), name)
	return &n
}

// within puts attributes into the groups that are open.
func (h *journalHandler) within(attrs []slog.Attr) []slog.Attr {
	for i := len(h.groups) - 1; i >= 0 && len(attrs) > 0; i-- {
		attrs = []slog.Attr{{Key: h.groups[i], Value: slog.GroupValue(attrs...)}}
	}
	return attrs
}

// addFields adds an attribute as the journal's fields: capitals, digits and underscores.
func addFields(fields map[string]string, prefix string, a slog.Attr) {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += fieldName(a.Key) + "_"
		}
		for _, inner := range v.Group() {
			addFields(fields, prefix, inner)
		}
		return
	}
	if a.Key != "" {
		fields[prefix+fieldName(a.Key)] = v.String()
	}
}

func fieldName(key string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(key))
}

// attrText is the attributes as the text format writes them.
func attrText(ctx context.Context, attrs []slog.Attr) string {
	var b bytes.Buffer
	text := slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
			return slog.Attr{}
		}
		return a
	}})
	var r slog.Record // no time, level and message
	r.AddAttrs(attrs...)
	_ = text.Handle(ctx, r) // a buffer takes everything
	return strings.TrimSuffix(b.String(), "\n")
}

func priorityOf(l slog.Level) journal.Priority {
	switch {
	case l >= slog.LevelError:
		return journal.PriErr
	case l >= slog.LevelWarn:
		return journal.PriWarning
	case l >= slog.LevelInfo:
		return journal.PriInfo
	}
	return journal.PriDebug
}
