// Package admin asks ZooKeeper servers about themselves: by four-letter words,
// which servers of all versions answer on the port for clients, and by the
// commands of the AdminServer, which servers from 3.5 on have on a port for
// HTTP.
//
//	w := admin.Words{Addr: "zk1:2181"}
//	srvr, err := w.Srvr(ctx)
//	if err != nil {
//		return err
//	}
//	fmt.Println(srvr.Version, srvr.Mode)
//
// or
//
//	c := admin.Client{URL: "http://zk1:8080"}
//	stats, err := c.ServerStats(ctx)
//
// Neither takes a session. Types and methods have the names of the words and
// commands. What a parser knows it reads strictly: an answer that was cut, or
// a number that is none, is an error. What it does not know, such as what a
// newer server adds, it keeps. The parsers are there for themselves too, for
// answers that come by another way, such as zk.Conn.Word.
//
// From 3.5 on servers answer no word but srvr, unless they are configured to by
// 4lw.commands.whitelist: the error is then [ErrNotAllowed].
package admin
