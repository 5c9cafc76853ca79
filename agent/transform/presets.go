package transform

import (
	"bytes"
	"fmt"
)

// presets are the programs whose events are known. What they print was looked at in
// real output (testdata/traces), but for dotnet: its form is that of Microsoft's pages.
func presets() map[string]func(*Expressions) ([]step, error) {
	return map[string]func(*Expressions) ([]step, error){
		"dotnet": dotnet, "go": golang, "java": java, "json": prettyJSON, "mysql": mysqlSlow,
		"node": node, "php": php, "postgres": postgres, "python": python, "ruby": ruby,
	}
}

// logHead matches lines that look like the first of an ordinary log record: with a
// date, a level, a bracket or an object in front.
const logHead = `^(?:\d{1,4}[-/.:]\d|\d{10}|\[\d|\[[\w.-]+\] |\{"|<\d{1,3}>|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[ ,]|` +
	`(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d|[IWEFD]\d{4} |time=|level=|ts=|` +
	`(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|SEVERE|CRITICAL|Exception in thread)\b)`

// exprs compiles expressions of ours in order.
func (x *Expressions) exprs(texts ...string) ([]matcher, error) {
	out := make([]matcher, len(texts))
	for i, t := range texts {
		re, err := x.regexp(t)
		if err != nil {
			return nil, fmt.Errorf("preset expression %q: %w", t, err)
		}
		out[i] = re.Match
	}
	return out, nil
}

// java joins stack traces with their causes and what was suppressed, messages of several
// lines, and the two lines of java.util.logging.
func java(x *Expressions) ([]step, error) {
	const head, stack = special, special + 1
	m, err := x.exprs(logHead, `^[\w$]+(?:\.[\w$]+)*(?:Exception|Error|Throwable)\b(?::|\s*$)`)
	if err != nil {
		return nil, err
	}
	record, class := m[0], m[1]
	cause := begins("Caused by: ")
	return []step{
		{outside, either(class, begins("Exception in thread ")), head, true},
		{outside, nil, text, true},
		{text, begins("SEVERE: ", "WARNING: ", "INFO: ", "CONFIG: ", "FINE: ", "FINER: ", "FINEST: "), text, false},
		{text, indented, stack, false},
		{text, either(cause, class), head, false},
		{head, indented, stack, false},
		{head, cause, head, false},
		{head, not(record), head, false}, // further lines of the message
		{stack, indented, stack, false},
		{stack, cause, head, false},
		{stack, blank, ended, false}, // java.util.logging ends a trace with one
	}, nil
}

// python joins tracebacks, chained ones and groups, to the record before them.
func python(x *Expressions) ([]step, error) {
	const trace, group, done, gap = special, special + 1, special + 2, special + 3
	m, err := x.exprs(logHead, `^[A-Za-z_][\w.]*(?::|\s*$)`)
	if err != nil {
		return nil, err
	}
	record, exception := m[0], m[1]
	first, several := begins("Traceback (most recent call last):"), begins("  + Exception Group Traceback")
	return []step{
		{outside, first, trace, true},
		{outside, several, group, true},
		{outside, nil, text, true},
		{text, first, trace, false},
		{text, several, group, false},
		{text, indented, text, false},
		{trace, indented, trace, false},
		{trace, exception, done, false},
		{group, indented, group, false},
		{group, blank, gap, false},
		{done, blank, gap, false},
		{done, either(record, first), text, true},
		{done, nil, done, false}, // further lines of the message
		{gap, blank, gap, false},
		{gap, begins("During handling of the above exception", "The above exception was the direct cause"), gap, false},
		{gap, first, trace, false},
		{gap, several, group, false},
	}, nil
}

// golang joins panics, fatal errors and the stacks that net/http writes.
func golang(x *Expressions) ([]step, error) {
	const crash = special
	m, err := x.exprs(`^(?:goroutine \d+ |\[signal |\[originating |created by |exit status \d|\.\.\.|[\w./*()\[\]{}-]+\(.*\)\s*$|[a-z0-9]+ +0x[0-9a-f]+\s*$)`)
	if err != nil {
		return nil, err
	}
	frame := m[0]
	return []step{
		{outside, begins("panic: ", "fatal error: ", "runtime: ", "SIGQUIT: ", "SIGSEGV: ", "SIGABRT: "), crash, true},
		{outside, nil, text, true},
		{text, begins("goroutine ", "[signal "), crash, false},
		{text, indented, text, false},
		{crash, indented, crash, false},
		{crash, blank, crash, false},
		{crash, frame, crash, false},
	}, nil
}

// node joins errors with stacks, causes and properties, printed objects, and what ends a
// process: the place in the source, the error and the version.
func node(x *Expressions) ([]step, error) {
	const stack, crash = special, special + 1
	m, err := x.exprs(logHead, `^(?:/|node:|file:|[A-Za-z]:\\).*:\d+\s*$`)
	if err != nil {
		return nil, err
	}
	record, place := m[0], m[1]
	return []step{
		{outside, place, crash, true},
		{outside, nil, text, true},
		{text, indented, stack, false},
		{stack, indented, stack, false},
		{stack, begins("}", "]"), stack, false},
		{crash, begins("Node.js v"), ended, false},
		{crash, not(record), crash, false},
	}, nil
}

// ruby joins backtraces, with causes, in the order that Ruby prints since 3.0.
func ruby(x *Expressions) ([]step, error) {
	const trace = special
	m, err := x.exprs("^\\S.*:\\d+:in [`']", `\([A-Z][\w:]*\)\s*$`)
	if err != nil {
		return nil, err
	}
	frame, named := m[0], m[1]
	uncaught := both(frame, named)
	return []step{
		{outside, uncaught, trace, true},
		{outside, nil, text, true},
		{text, uncaught, trace, true},
		{text, either(indented, frame), trace, false},
		{trace, either(indented, frame), trace, false},
	}, nil
}

// php joins what follows the date that error_log writes before each record.
func php(x *Expressions) ([]step, error) {
	m, err := x.exprs(`^(?:\[\d|PHP (?:Fatal|Parse|Warning|Notice|Deprecated|Catchable|Recoverable|Core|Compile|Strict)|NOTICE: )`)
	if err != nil {
		return nil, err
	}
	return expressionSteps(m[0], nil, nil), nil
}

// dotnet joins stacks, inner exceptions and the indented lines of the console logger.
func dotnet(x *Expressions) ([]step, error) {
	m, err := x.exprs("^[\\w.`+]+Exception(?: \\(0x[0-9A-Fa-f]+\\))?:")
	if err != nil {
		return nil, err
	}
	return []step{
		{outside, nil, text, true},
		{text, either(indented, m[0]), text, false},
	}, nil
}

// postgres joins DETAIL, HINT, CONTEXT, STATEMENT and the like to their message, and lines
// that begin with a tab to the line before.
func postgres(*Expressions) ([]step, error) {
	return []step{
		{outside, nil, text, true},
		{text, either(begins("\t"), postgresField), text, false},
	}, nil
}

// postgresField tells whether the first word of capitals that a colon and two spaces
// follow names a field of a message, and not its severity.
func postgresField(l []byte) bool {
	i := bytes.Index(l, []byte(":  "))
	if i < 0 {
		return false
	}
	switch string(l[bytes.LastIndexByte(l[:i], ' ')+1 : i]) {
	case "DETAIL", "HINT", "QUERY", "CONTEXT", "LOCATION", "STATEMENT", "BACKTRACE":
		return true
	}
	return false
}

// mysqlSlow joins the head lines of a query in the slow log and the query. MariaDB leaves
// out the line of the time while the second is the same.
func mysqlSlow(*Expressions) ([]step, error) {
	const head, body = special, special + 1
	first := begins("# Time: ", "# User@Host: ")
	return []step{
		{outside, begins("# "), head, true},
		{outside, nil, text, true},
		{text, not(first), text, false}, // the banner at the start of the server
		{head, begins("#"), head, false},
		{head, nil, body, false},
		{body, not(first), body, false},
	}, nil
}

// prettyJSON joins an object or a list whose closing bracket stands in the first column.
func prettyJSON(x *Expressions) ([]step, error) {
	m, err := x.exprs(`^[\[{]\s*$`, `^[\]}],?\s*$`)
	if err != nil {
		return nil, err
	}
	return []step{
		{outside, m[0], text, true},
		{text, m[1], ended, false},
		{text, nil, text, false},
	}, nil
}
