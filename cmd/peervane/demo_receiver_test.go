package main

import (
	"encoding/base64"
	"net/http"
	"testing"
	"time"
)

// The receiver takes nothing but what is signed with its key, for this moment. The good case is the example that the
// libraries of Standard Webhooks are tested with.
func TestDemoReceiver(t *testing.T) {
	key, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	const body, signature = `{"test": 2432232314}`, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	sent := time.Unix(1614265330, 0)
	r := &demoReceiver{key: key}
	for name, c := range map[string]struct {
		change func(http.Header)
		body   string
		at     time.Time
		good   bool
	}{
		"good":            {nil, body, sent, true},
		"one of several":  {func(h http.Header) { h.Set("webhook-signature", "v1,AAAA "+signature) }, body, sent, true},
		"another body":    {nil, body + " ", sent, false},
		"another id":      {func(h http.Header) { h.Set("webhook-id", "e") }, body, sent, false},
		"without an id":   {func(h http.Header) { h.Del("webhook-id") }, body, sent, false},
		"unsigned":        {func(h http.Header) { h.Del("webhook-signature") }, body, sent, false},
		"another scheme":  {func(h http.Header) { h.Set("webhook-signature", "v2"+signature[2:]) }, body, sent, false},
		"without a time":  {func(h http.Header) { h.Del("webhook-timestamp") }, body, sent, false},
		"of another time": {nil, body, sent.Add(time.Hour), false},
	} {
		h := http.Header{}
		h.Set("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
		h.Set("webhook-timestamp", "1614265330")
		h.Set("webhook-signature", signature)
		if c.change != nil {
			c.change(h)
		}
		if err := r.verify(h, []byte(c.body), c.at); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}
