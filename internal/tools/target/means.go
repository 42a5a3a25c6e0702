package target

import "time"

const (
	buckets   = 120
	bucketAge = 5 * time.Minute / buckets
)

// means keeps response times of the last five minutes. Its zero value is empty.
type means struct {
	sums   [buckets]time.Duration
	counts [buckets]int
	newest int64 // number of the newest bucket's time
}

// advance makes the bucket of a time the newest.
func (m *means) advance(now time.Time) {
	n := now.UnixNano() / int64(bucketAge)
	for i := max(m.newest+1, n-buckets+1); i <= n; i++ {
		m.sums[i%buckets], m.counts[i%buckets] = 0, 0
	}
	m.newest = max(m.newest, n)
}

func (m *means) add(now time.Time, took time.Duration) {
	m.advance(now)
	m.sums[m.newest%buckets] += max(took, 1)
	m.counts[m.newest%buckets]++
}

// mean returns the mean of the buckets' means, of which each younger one weighs
// more; 0 if there is none.
func (m *means) mean(now time.Time) time.Duration {
	m.advance(now)
	sum, weights := 0.0, 0.0
	for age := range int64(buckets) {
		i := (m.newest - age) % buckets
		if m.counts[i] > 0 {
			weight := float64(buckets - age)
			sum += weight * float64(m.sums[i]) / float64(m.counts[i])
			weights += weight
		}
	}
	if weights == 0 {
		return 0
	}
	return time.Duration(max(sum/weights, 1))
}
