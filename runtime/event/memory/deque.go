package memory

// deque is a queue whose items lie in one slice. Pushing and popping take
// constant time on average.
type deque[T any] struct {
	all  []T
	head int
}

// items returns what is in the queue, valid until the next push or pop.
func (d *deque[T]) items() []T { return d.all[d.head:] }

func (d *deque[T]) push(v T) { d.all = append(d.all, v) }

// pop takes the first item.
func (d *deque[T]) pop() T {
	var none T
	v := d.all[d.head]
	d.all[d.head] = none
	d.head++
	if d.head > len(d.all)/2 {
		n := copy(d.all, d.all[d.head:])
		clear(d.all[n:])
		d.all, d.head = d.all[:n], 0
		if cap(d.all) > 64 && n < cap(d.all)/4 {
			d.all = append(make([]T, 0, 2*n), d.all...)
		}
	}
	return v
}
