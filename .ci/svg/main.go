// Command svg draws what a terminal shows as an SVG picture: it reads the output of
// "tmux capture-pane -e -p" on stdin and writes the picture to stdout.
//
// Text is placed by cells, so that a picture looks the same whatever monospaced font
// the reader has. Colours are those of a dark terminal.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Sizes in pixels.
const (
	cellWidth  = 8.0
	lineHeight = 17
	margin     = 12
)

// The 16 colours of the terminal, and what it has without any.
var palette = [16]string{
	"#484f58", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#b1bac4",
	"#6e7681", "#ffa198", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#ffffff",
}

const (
	paper = "#0d1117"
	ink   = "#e6edf3"
	faint = "#8b949e"
)

// style is how a cell is drawn; colours are "" for the terminal's own.
type style struct {
	fg, bg                          string
	bold, faint, underline, reverse bool
}

func main() {
	title := flag.String("title", "logctl", "what the picture shows, for those who cannot see it")
	flag.Parse()
	if err := draw(os.Stdin, os.Stdout, *title); err != nil {
		fmt.Fprintln(os.Stderr, "svg:", err)
		os.Exit(1)
	}
}

func draw(r io.Reader, w io.Writer, title string) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	columns := 0
	for _, l := range lines {
		columns = max(columns, ansi.StringWidth(l))
	}
	out := bufio.NewWriter(w)
	width, height := float64(columns)*cellWidth+2*margin, len(lines)*lineHeight+2*margin
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 %.0f %d" width="%.0f" height="%d" role="img">`+"\n", width, height, width, height)
	fmt.Fprintf(out, "<title>%s</title>\n", escape(title))
	fmt.Fprintln(out, `<style>text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}.b{font-weight:bold}.u{text-decoration:underline}</style>`)
	fmt.Fprintf(out, `<rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n", paper)
	var st style
	for i, l := range lines {
		drawLine(out, l, &st, margin+i*lineHeight)
	}
	fmt.Fprintln(out, "</svg>")
	return out.Flush()
}

// drawLine draws one line; a style goes on from line to line.
func drawLine(w io.Writer, l string, st *style, y int) {
	at, from := 0, 0
	var run strings.Builder
	flush := func() {
		drawRun(w, run.String(), *st, from, at-from, y)
		run.Reset()
		from = at
	}
	for len(l) > 0 {
		if rest, ok := strings.CutPrefix(l, "\x1b["); ok {
			end := strings.IndexFunc(rest, func(c rune) bool { return c >= '@' && c <= '~' })
			if end < 0 {
				return
			}
			flush()
			if rest[end] == 'm' {
				st.set(strings.Split(rest[:end], ";"))
			}
			l = rest[end+1:]
			continue
		}
		c := []rune(l)[0]
		l = l[len(string(c)):]
		if c >= ' ' {
			run.WriteRune(c)
			at += ansi.StringWidth(string(c))
		}
	}
	flush()
}

// drawRun draws text of one style that takes n cells from a column on.
func drawRun(w io.Writer, text string, st style, column, n, y int) {
	fg, bg := st.fg, st.bg
	if fg == "" {
		fg = ink
	}
	if st.faint {
		fg = faint
	}
	if st.reverse {
		fg, bg = paper, ink
	}
	x := margin + float64(column)*cellWidth
	if bg != "" && n > 0 {
		fmt.Fprintf(w, `<rect x="%g" y="%d" width="%g" height="%d" fill="%s"/>`+"\n", x, y, float64(n)*cellWidth, lineHeight, bg)
	}
	trimmed := strings.TrimLeft(text, " ")
	lead := len(text) - len(trimmed)
	trimmed = strings.TrimRight(trimmed, " ")
	if trimmed == "" {
		return
	}
	class := ""
	switch {
	case st.bold && st.underline:
		class = ` class="b u"`
	case st.bold:
		class = ` class="b"`
	case st.underline:
		class = ` class="u"`
	}
	fmt.Fprintf(w, `<text x="%g" y="%d" textLength="%g" lengthAdjust="spacingAndGlyphs" fill="%s"%s>%s</text>`+"\n",
		x+float64(lead)*cellWidth, y+13, float64(ansi.StringWidth(trimmed))*cellWidth, fg, class, escape(trimmed))
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// set applies the numbers of one SGR sequence.
func (s *style) set(args []string) {
	for i := 0; i < len(args); i++ {
		n, _ := strconv.Atoi(args[i]) // nothing is 0
		switch {
		case n == 0:
			*s = style{}
		case n == 1:
			s.bold = true
		case n == 2:
			s.faint = true
		case n == 4:
			s.underline = true
		case n == 7:
			s.reverse = true
		case n == 22:
			s.bold, s.faint = false, false
		case n == 24:
			s.underline = false
		case n == 27:
			s.reverse = false
		case n >= 30 && n <= 37:
			s.fg = palette[n-30]
		case n == 39:
			s.fg = ""
		case n >= 40 && n <= 47:
			s.bg = palette[n-40]
		case n == 49:
			s.bg = ""
		case n >= 90 && n <= 97:
			s.fg = palette[n-90+8]
		case n >= 100 && n <= 107:
			s.bg = palette[n-100+8]
		case n == 38 || n == 48:
			colour, used := extended(args[i+1:])
			i += used
			if n == 38 {
				s.fg = colour
			} else {
				s.bg = colour
			}
		}
	}
}

// extended reads a colour of 256 or of all, and says how many numbers it took.
func extended(args []string) (colour string, used int) {
	num := func(i int) int {
		if i >= len(args) {
			return 0
		}
		n, _ := strconv.Atoi(args[i]) // nothing is 0
		return n
	}
	if num(0) == 2 {
		return fmt.Sprintf("#%02x%02x%02x", num(1), num(2), num(3)), 4
	}
	n := num(1)
	switch {
	case n < 16:
		return palette[max(n, 0)], 2
	case n >= 232:
		v := 8 + 10*(n-232)
		return fmt.Sprintf("#%02x%02x%02x", v, v, v), 2
	}
	level := func(v int) int {
		if v == 0 {
			return 0
		}
		return 55 + 40*v
	}
	n -= 16
	return fmt.Sprintf("#%02x%02x%02x", level(n/36), level(n/6%6), level(n%6)), 2
}
