package stats

import (
	"math"
	"time"
)

// Place is a point on the earth, in degrees.
type Place struct{ Latitude, Longitude float64 }

const (
	earthRadius = 6371.0088 // kilometres, the mean of WGS 84
	// fibreSpeed is that of light in the core of ITU-T G.652 fibre, whose index of
	// refraction is 1.468, in kilometres a millisecond.
	fibreSpeed = 299.792458 / 1.468
)

// Distance is that along the great circle, in kilometres.
func (p Place) Distance(o Place) float64 {
	rad := func(degrees float64) float64 { return degrees * math.Pi / 180 }
	sin2 := func(angle float64) float64 { return math.Pow(math.Sin(angle/2), 2) }
	h := sin2(rad(o.Latitude-p.Latitude)) +
		math.Cos(rad(p.Latitude))*math.Cos(rad(o.Latitude))*sin2(rad(o.Longitude-p.Longitude))
	return 2 * earthRadius * math.Asin(math.Sqrt(min(h, 1)))
}

// FibreFloor is what light in a straight fibre takes for a distance and back: no
// round-trip time is less.
func FibreFloor(kilometres float64) time.Duration {
	return time.Duration(2 * kilometres / fibreSpeed * float64(time.Millisecond))
}
