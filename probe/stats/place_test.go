package stats

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	paris   = Place{48.8566, 2.3522}
	london  = Place{51.5074, -0.1278}
	newYork = Place{40.7128, -74.0060}
	sydney  = Place{-33.8688, 151.2093}
)

// TestDistance has published great-circle distances.
func TestDistance(t *testing.T) {
	for name, c := range map[string]struct {
		a, b Place
		km   float64
	}{
		"paris to london":      {paris, london, 344},
		"london to new york":   {london, newYork, 5570},
		"paris to sydney":      {paris, sydney, 16960},
		"over the date line":   {Place{0, 179}, Place{0, -179}, 222.4},
		"a quarter":            {Place{0, 0}, Place{90, 0}, 10007.6},
		"to the other side":    {Place{10, 20}, Place{-10, -160}, 20015.1},
		"nowhere":              {paris, paris, 0},
		"pole, any longitudes": {Place{90, 12}, Place{90, -100}, 0},
	} {
		if got := c.a.Distance(c.b); math.Abs(got-c.km) > 0.002*c.km+0.001 {
			t.Errorf("%s: %.1f km, want %.1f km", name, got, c.km)
		}
	}
}

func TestDistanceIsAMetric(t *testing.T) {
	place := rapid.Custom(func(t *rapid.T) Place {
		return Place{rapid.Float64Range(-90, 90).Draw(t, "latitude"), rapid.Float64Range(-180, 180).Draw(t, "longitude")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := place.Draw(t, "a"), place.Draw(t, "b"), place.Draw(t, "c")
		if d := a.Distance(b); math.IsNaN(d) || d < 0 || d > 20016 || math.Abs(d-b.Distance(a)) > 1e-6 {
			t.Fatalf("%v and %v are %v km apart", a, b, d)
		}
		if a.Distance(c) > a.Distance(b)+b.Distance(c)+1e-3 {
			t.Fatal("the detour is shorter")
		}
	})
}

// TestFibreFloor has the rule of thumb: about 1 ms there and back for 100 km.
func TestFibreFloor(t *testing.T) {
	equal(t, "100 km", FibreFloor(100).Round(time.Microsecond), 979*time.Microsecond)
	equal(t, "london to new york", FibreFloor(london.Distance(newYork)).Round(time.Millisecond), 55*time.Millisecond)
	equal(t, "here", FibreFloor(0), 0)
}
