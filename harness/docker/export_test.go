package docker

// Self is this process as labels tell it.
func Self() string { return self().String() }
