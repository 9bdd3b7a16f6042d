package backend

import "sync"

// registered are the backends that are linked in, by name.
var registered struct {
	sync.Mutex
	starters map[string]Starter
}

// Register makes a backend known by a name, such as "docker". A package that
// is linked in by a blank import does so when it is initialised. The latest of
// one name counts.
func Register(name string, s Starter) {
	registered.Lock()
	defer registered.Unlock()
	if registered.starters == nil {
		registered.starters = map[string]Starter{}
	}
	registered.starters[name] = s
}

// Registered is the backend of that name, or nil.
func Registered(name string) Starter {
	registered.Lock()
	defer registered.Unlock()
	return registered.starters[name]
}
