// Package examples shows how Zookit is used: Example functions, which run as
// tests, tests of a small service, and the program quickstart.
package examples
