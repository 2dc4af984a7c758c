package netlab

import (
	"container/heap"
	"time"
)

// frame is one frame on its way.
type frame struct {
	leave  time.Time
	number uint64 // of arrival: frames of equal time leave in this order
	bytes  []byte
}

// queue holds the frames under way, the next to leave first.
type queue struct {
	frames frameHeap
	count  uint64
}

func (q *queue) push(bytes []byte, leave time.Time) {
	q.count++
	heap.Push(&q.frames, frame{leave, q.count, bytes})
}

// pop takes the next frame if it is due.
func (q *queue) pop(now time.Time) (bytes []byte, ok bool) {
	if len(q.frames) == 0 || q.frames[0].leave.After(now) {
		return nil, false
	}
	return heap.Pop(&q.frames).(frame).bytes, true
}

// next says when the next frame leaves.
func (q *queue) next() (leave time.Time, ok bool) {
	if len(q.frames) == 0 {
		return time.Time{}, false
	}
	return q.frames[0].leave, true
}

func (q *queue) len() int { return len(q.frames) }

// frameHeap implements heap.Interface.
type frameHeap []frame

func (h frameHeap) Len() int      { return len(h) }
func (h frameHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *frameHeap) Push(f any)   { *h = append(*h, f.(frame)) }

func (h frameHeap) Less(i, j int) bool {
	if h[i].leave.Equal(h[j].leave) {
		return h[i].number < h[j].number
	}
	return h[i].leave.Before(h[j].leave)
}

func (h *frameHeap) Pop() any {
	last := len(*h) - 1
	f := (*h)[last]
	(*h)[last] = frame{}
	*h = (*h)[:last]
	return f
}
