package zk

// Detach ends the Conn as Close does, but leaves the session alive: another
// process may [Attach] to it by its id and password, for its timeout from now
// on, and finds its ephemeral nodes. Calls that were made before are answered
// first, for a second at most.
//
// It fails with [ErrSessionExpired] if there is no session at the time, and the
// Conn has ended then too, and with what has ended the Conn if that has come
// before. A session of a read-only server is of no use to another server.
func (c *Conn) Detach() (id int64, password []byte, err error) {
	c.mu.Lock()
	err = c.fatal
	if err == nil && c.ctx.Err() != nil {
		err = ErrClosed
	}
	c.detach = c.detach || err == nil
	c.mu.Unlock()
	if err == nil {
		err = c.close()
	}
	if err == nil {
		if end := c.end(); end != ErrClosed {
			err = end
		} else if c.resume == nil {
			err = ErrSessionExpired
		}
	}
	if err != nil {
		return 0, nil, &Error{Op: "detach", Err: err, fate: unsent}
	}
	return c.resume.ID(), c.resume.Password(), nil
}

// leaving tells whether the end is that of Detach.
func (c *client) leaving() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.detach
}
