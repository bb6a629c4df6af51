import AuditActions
import Testing

@testable import FeedServer

@Suite struct RoutingTests {
  @Test func `a queue named queues or actions is told from the alias form`() throws {
    #expect(try RouteMatch(path: "/v1/queues/queues/actions")?.project == nil)
    #expect(try RouteMatch(path: "/v1/queues/queues/actions")?.queue == "queues")
    let full = try #require(try RouteMatch(path: "/v1/queues/queues/actions/actions"))
    #expect(full.project == "queues" && full.queue == "actions" && full.route == .actions)
    let item = try #require(try RouteMatch(path: "/v1/queues/queues/actions/abc"))
    #expect(item.project == nil && item.queue == "queues" && item.id == "abc")
    #expect(try RouteMatch(path: "/v1/queues/queues")?.project == "queues")
  }

  @Test func `one slash at the end is let pass, more are not`() throws {
    #expect(try RouteMatch(path: "/v1/p/queues/q/actions/")?.route == .actions)
    #expect(try RouteMatch(path: "/ping/")?.route == .ping)
    #expect(try RouteMatch(path: "/v1/p/queues/q/actions//")?.route == .action)
  }

  @Test func `a target is cut at its marks`() throws {
    let target = try RequestTarget("/a/b?x=1&y=?#z")
    #expect(target.path == "/a/b" && target.query == "x=1&y=?" && target.text == "/a/b?x=1&y=?")
    #expect(throws: Problem.self) { try RequestTarget("a") }
    #expect(throws: Problem.self) { try RequestTarget("") }
    #expect(throws: Problem.self) { try RequestTarget("/ü") }
    #expect(throws: Problem.self) { try RequestTarget("/a b") }
  }

  @Test func `percent coding goes both ways`() {
    for text in ["", "abc", "a b&c=d?/é\u{10FFFF}%"] {
      #expect(PercentCoding.decode(PercentCoding.encode(text)[...]) == text)
    }
    #expect(PercentCoding.decode("a+b", plusIsSpace: true) == "a b")
    #expect(PercentCoding.decode("a+b") == "a+b")
    for broken in ["%", "%4", "%4g", "%c3%28", "%ff"] { #expect(PercentCoding.decode(broken[...]) == nil) }
  }

  @Test func `the nearest name is found when it is near`() {
    #expect(Spelling.nearest(to: "makrer", in: ["marker", "limit"]) == "marker")
    #expect(Spelling.nearest(to: "LIMIT", in: ["marker", "limit"]) == "limit")
    #expect(Spelling.nearest(to: "events", in: ["marker", "event"]) == "event")
    #expect(Spelling.nearest(to: "colour", in: ["marker", "limit"]) == nil)
    #expect(Spelling.nearest(to: String(repeating: "x", count: 1_000), in: ["marker"]) == nil)
  }

  @Test func `a query has a bounded number of parameters`() throws {
    #expect(try QueryItems("a=1&&b=&c").items.count == 3)
    let many = String(repeating: "a=1&", count: 101)
    #expect(throws: Problem.self) { try QueryItems(many[...]) }
  }
}
