// Command write writes the generated manuals: with -docs the pages, with -man and
// -completions what packages install.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"logctl/internal/manual"
)

func main() {
	docs := flag.String("docs", "", "renew the generated pages in this directory")
	man := flag.String("man", "", "write the man pages into this directory")
	completions := flag.String("completions", "", "write the completions into this directory")
	date := flag.String("date", "", "date of the man pages, RFC 3339 (the commit's)")
	flag.Parse()
	if err := run(*docs, *man, *completions, *date); err != nil {
		fmt.Fprintln(os.Stderr, "write:", err)
		os.Exit(1)
	}
}

func run(docs, man, completions, date string) error {
	if docs != "" {
		if err := manual.WritePages(docs); err != nil {
			return err
		}
	}
	if completions != "" {
		if err := manual.WriteCompletions(completions); err != nil {
			return err
		}
	}
	if man == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339, date)
	if err != nil {
		return fmt.Errorf("-date: %w", err)
	}
	return manual.WriteMan(man, at.UTC())
}
