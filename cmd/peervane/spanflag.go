package main

import (
	"errors"
	"time"

	"peervane/config"
)

// spanFlag is a flag with a duration as the configuration has it, days and weeks too.
type spanFlag time.Duration

func (s *spanFlag) Set(text string) error {
	d, err := config.ParseSpan(text)
	if err != nil {
		return errors.New("write one such as 90m, 2h or 1d12h")
	}
	*s = spanFlag(d)
	return nil
}

func (s *spanFlag) String() string {
	if *s == 0 {
		return "0"
	}
	return time.Duration(*s).String()
}

func (*spanFlag) Type() string { return "duration" }
