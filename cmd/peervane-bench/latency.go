package main

import "context"

func latency(context.Context, *options, *table) error { return nil }

func churn(context.Context, *options, *table) error { return nil }
