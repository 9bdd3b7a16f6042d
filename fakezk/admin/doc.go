// Package admin is the admin server of a fake ZooKeeper: HTTP at /commands, as
// Apache's 3.9 has it, with the same JSON.
//
//	e, _ := fakezk.Listen()
//	web, _ := admin.Listen(e.Servers()[0], "127.0.0.1:0")
//	defer web.Close()
//	http.Get(web.URL() + "/stats")
//
// Handler is for those who have a server of HTTP, or a test without a network.
package admin
