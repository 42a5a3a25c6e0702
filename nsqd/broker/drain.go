package broker

// Drain has the broker refuse new messages and new topics from now on with
// ErrDraining. Messages that are there go on to consumers as ever.
func (b *Broker) Drain() { b.draining.Store(true) }

// Draining tells whether Drain was called.
func (b *Broker) Draining() bool { return b.draining.Load() }
