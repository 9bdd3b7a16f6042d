package fakezk

import "fmt"

// builds are the commit and the date of the releases that were recorded, as
// their servers tell them.
var builds = map[release]string{
	{4, 14}: "4c25d480e66aadd371de8bd2fd8da255ac140bcf, built on 03/06/2019 16:18 GMT",
	{5, 10}: "a32c7183d42325b03e44a06aade6a0f16955bf13, built on 05/29/2022 16:59 GMT",
	{6, 4}:  "d65253dcf68e9097c6e95a126463fd5fdeb4521c, built on 12/18/2022 18:10 GMT",
	{7, 2}:  "c06c7c8a3e95779d4becb1938b378596e3b420d0, built on 2023-10-06 09:51 UTC",
	{8, 0}:  "5a02a05eddb59aee6ac762f7ea82e92a68eb9c0f, built on 2022-02-25 08:49 UTC",
	{8, 6}:  "6df26081269769c160c8c3a24929c60c91cd19c3, built on 2026-01-28 20:28 UTC",
	{9, 0}:  "1674a5e97f43bc38e9bf56b04f83a7ae34d68249, built on 2023-07-19 09:09 UTC",
	{9, 5}:  "293c895a8d966a3ecb92872be4a1daf87d725da2, built on 2026-02-11 20:18 UTC",
}

// fullVersion is the version as words tell it. Of a release that was not
// recorded neither commit nor date is known: -1 is what a server says that was
// built outside of a repository, and the date is the zero of Java's clock, in
// the format of the release.
func (r release) fullVersion() string {
	build, ok := builds[r]
	switch {
	case ok:
	case r.has(release{7, 0}):
		build = "-1, built on 1970-01-01 00:00 UTC"
	default:
		build = "-1, built on 01/01/1970 00:00 GMT"
	}
	if r.line == 6 {
		build = "-" + build // for a qualifier, which is empty
	}
	return fmt.Sprintf("%v-%s", r, build)
}
