import AuditActions
import Foundation
import Synchronization
import Testing

@testable import strandline

@Suite("Following a feed")
struct FollowMachineTests {
  private func page(_ events: [String], next: String) throws -> FeedPage {
    let messages = events.map {
      #"{"href":"/v1/p/queues/q/actions/\#($0)","ttl":300,"age":1,"body":{"event":"\#($0)"}}"#
    }
    return try FeedPage(
      parsing: Array(
        #"{"links":[{"rel":"next","href":"\#(next)"}],"messages":[\#(messages.joined(separator: ","))]}"#.utf8))
  }

  @Test("what the feed can no longer give is told, with the actions behind it")
  func gaps() throws {
    var machine = FollowMachine(target: "/a", intervalMilliseconds: 1_000, follows: true)
    let places = #""from":{"partition":2,"offset":5},"to":{"partition":2,"offset":9},"links":[]"#
    let page = try FeedPage(
      parsing: Array(
        (#"{"links":[{"rel":"next","href":"/b"}],"messages":[],"gaps":[{"reason":"expired","count":3,\#(places)},"#
          + #"{"reason":"topic-retention","count":null,\#(places)}]}"#).utf8))
    let step = machine.receive(.page(page))
    #expect(
      step.note == """
        3 actions lost (expired), partition 2, offsets 5 to 9
        an unknown number of actions lost (topic-retention), partition 2, offsets 5 to 9
        """)
    #expect(step.next == .ask(afterMilliseconds: 0))
  }

  @Test("what has not come is told when it changes, and when it has come")
  func missing() throws {
    func page(_ missing: [(log: String, count: Int64)]) throws -> FeedReading {
      let logs = missing.map { #"{"source":"/w","log":"\#($0.log)","count":\#($0.count),"ranges":"7-8"}"# }
      let statement = logs.isEmpty ? "" : #","missing":[\#(logs.joined(separator: ","))]"#
      return .page(
        try FeedPage(
          parsing: Array((#"{"links":[{"rel":"next","href":"/b"}],"messages":[]"# + statement + "}").utf8)))
    }
    var machine = FollowMachine(target: "/a", intervalMilliseconds: 1_000, follows: true)
    #expect(machine.receive(try page([])).note == nil)
    #expect(machine.receive(try page([("1", 2)])).note == "2 actions have not come from source /w, log 1: 7-8")
    #expect(machine.receive(try page([("1", 2)])).note == nil)
    #expect(machine.receive(.empty(next: nil, missing: 2)).note == nil)
    #expect(machine.receive(try page([("1", 1)])).note == "1 action has not come from source /w, log 1: 7-8")
    #expect(machine.receive(.empty(next: nil, missing: 3)).note?.hasPrefix("3 actions of this queue's sources") == true)
    #expect(machine.receive(.empty(next: nil, missing: 3)).note == nil)
    #expect(machine.receive(.empty(next: nil)).note == "what was missing has come")
    #expect(machine.receive(.empty(next: nil)).note == nil)
    #expect(
      FeedReading(status: 204, retryAfter: nil, link: nil, missing: "12", body: []) == .empty(next: nil, missing: 12))
    let text = #"{"links":[{"rel":"next","href":"/b"}],"messages":[],"missing":[{"source":"/w"}]}"#
    #expect(throws: FeedFault.self) { try FeedPage(parsing: Array(text.utf8)) }
  }

  @Test("a page is printed and its next is asked for at once; an empty answer is followed by a wait")
  func pages() throws {
    var machine = FollowMachine(target: "/a", intervalMilliseconds: 1_000, follows: true)
    let first = machine.receive(.page(try page(["1", "2"], next: "/b")))
    #expect(first.messages.map(\.href).count == 2)
    #expect(first.next == .ask(afterMilliseconds: 0))
    #expect(machine.target == "/b")
    #expect(machine.receive(.empty(next: nil)).next == .ask(afterMilliseconds: 1_000))
    #expect(machine.target == "/b")
    #expect(machine.receive(.empty(next: "/c")).next == .ask(afterMilliseconds: 1_000))
    #expect(machine.target == "/c")
  }

  @Test("a page without actions that leads on is followed at once, one that stands still after the interval")
  func emptyPages() throws {
    var machine = FollowMachine(target: "/a", intervalMilliseconds: 700, follows: true)
    #expect(machine.receive(.page(try page([], next: "/b"))).next == .ask(afterMilliseconds: 0))
    #expect(machine.receive(.page(try page([], next: "/b"))).next == .ask(afterMilliseconds: 700))
  }

  @Test("one who does not follow is done at the first empty answer")
  func done() throws {
    var machine = FollowMachine(target: "/a", intervalMilliseconds: 0, follows: false)
    #expect(machine.receive(.page(try page(["1"], next: "/b"))).next == .ask(afterMilliseconds: 0))
    #expect(machine.receive(.empty(next: nil)).next == .done)
  }

  @Test("Retry-After is kept, within bounds, and the marker stays")
  func retryAfter() {
    var machine = FollowMachine(target: "/a", intervalMilliseconds: 1_000, follows: true)
    func wait(_ seconds: Int?) -> FollowMachine.Step.Next {
      machine.receive(.unavailable(status: 503, retryAfterSeconds: seconds, detail: "behind")).next
    }
    #expect(wait(3) == .ask(afterMilliseconds: 3_000))
    #expect(wait(86_400) == .ask(afterMilliseconds: 60_000))
    #expect(wait(0) == .ask(afterMilliseconds: 500))
    #expect(wait(-5) == .ask(afterMilliseconds: 500))
    #expect(machine.target == "/a")
  }

  @Test("without Retry-After it waits longer and longer, tells the fault once and the recovery once")
  func backoff() {
    var machine = FollowMachine(target: "/a", intervalMilliseconds: 1_000, follows: true)
    var notes: [String?] = []
    var waits: [Int] = []
    for _ in 0..<40 {
      let step = machine.receive(.lost("connection refused"))
      notes.append(step.note)
      if case .ask(let wait) = step.next { waits.append(wait) }
    }
    #expect(Array(waits.prefix(6)) == [500, 1_000, 2_000, 4_000, 8_000, 15_000])
    #expect(waits.count == 40 && waits.last == 15_000)
    #expect(notes.compactMap { $0 } == ["the feed cannot be reached: connection refused; trying again"])
    let recovery = machine.receive(.empty(next: nil))
    #expect(recovery.note == "the feed answers again")
    #expect(machine.receive(.empty(next: nil)).note == nil)
    #expect(machine.receive(.lost("x")).next == .ask(afterMilliseconds: 500))
  }

  @Test("a refusal ends it with what the server said")
  func refused() {
    var machine = FollowMachine(target: "/a", intervalMilliseconds: 1_000, follows: true)
    let step = machine.receive(.refused(status: 400, detail: "the marker is damaged"))
    #expect(step.next == .fail(CommandFailure(.failure, "the feed refuses the request (400): the marker is damaged")))
  }

  @Test("messages keep their bytes, whatever white space and order they have")
  func bytes() throws {
    let message = #"{ "body" : {"event":"A", "n": 1.50} , "age":0,"ttl":1,"href":"/h" }"#
    let page = try FeedPage(parsing: Array(#"{"messages":[\#(message)],"links":[{"href":"/n","rel":"next"}]}"#.utf8))
    #expect(page.messages.map { String(decoding: $0.bytes, as: UTF8.self) } == [message])
    #expect(page.messages.map { String(decoding: $0.body, as: UTF8.self) } == [#"{"event":"A", "n": 1.50}"#])
    #expect(page.next == "/n")
  }

  @Test(
    "what is no page is refused, and a next that leads elsewhere as well",
    arguments: [
      "", "[]", "{}", "<html>", #"{"links":[],"messages":[]}"#,
      #"{"links":[{"rel":"next","href":"http://x/"}],"messages":[]}"#,
      #"{"links":[{"rel":"next","href":"//x/"}],"messages":[]}"#,
      #"{"links":[{"rel":"next","href":"/n"}],"messages":[{}]}"#,
      #"{"links":[{"rel":"next","href":"/n"}],"messages":[{"href":"/h","ttl":-1,"age":0,"body":{}}]}"#,
    ])
  func noPage(text: String) {
    guard case .refused = FeedReading(status: 200, retryAfter: nil, link: nil, body: Array(text.utf8)) else {
      Issue.record("taken for a page: \(text)")
      return
    }
  }

  @Test("statuses are read as HTTP means them")
  func statuses() {
    let problem = Array(#"{"title":"t","status":503,"detail":"behind\u001b[2J"}"#.utf8)
    #expect(FeedReading(status: 204, retryAfter: nil, link: nil, body: []) == .empty(next: nil))
    #expect(
      FeedReading(status: 204, retryAfter: nil, link: #"</v1/x?marker=a>; rel="next""#, body: [])
        == .empty(next: "/v1/x?marker=a"))
    #expect(
      FeedReading(status: 503, retryAfter: "7", link: nil, body: problem)
        == .unavailable(status: 503, retryAfterSeconds: 7, detail: #"behind\u{1b}[2J"#))
    #expect(
      FeedReading(status: 429, retryAfter: nil, link: nil, body: [])
        == .unavailable(status: 429, retryAfterSeconds: nil, detail: ""))
    #expect(
      FeedReading(status: 404, retryAfter: nil, link: nil, body: Array("no".utf8)) == .refused(status: 404, detail: ""))
    #expect(FeedReading.next(inLink: #"<http://other/x>; rel="next""#) == nil)
    #expect(FeedReading.next(inLink: #"</a>; rel="prev", </b>; rel=next"#) == "/b")
  }

  @Test("a number of actions is kept to, and the place to go on is behind the last one printed")
  func limit() async throws {
    let asked = Mutex<[String]>([])
    let pages = Mutex([
      try page(["1", "2"], next: "/q?limit=2&marker=m2"), try page(["3"], next: "/q?limit=1&marker=m3"),
    ])
    let reader = FeedReader(
      read: { target in
        asked.withLock { $0.append(target) }
        return pages.withLock { .page($0.removeFirst()) }
      }, sleep: { _ in })
    var printed = 0
    let end = try await reader.run(
      FollowMachine(target: "/q?limit=2", intervalMilliseconds: 0, follows: false), limit: 3
    ) {
      printed += $0.count
    } note: { _ in
    }
    #expect(printed == 3)
    #expect(asked.withLock { $0 } == ["/q?limit=2", "/q?limit=1&marker=m2"])
    #expect(FeedReader.Query.marker(in: end) == "m3")
  }

  @Test(
    "`actions` gives up on a feed that cannot be reached, soon, and on one that is not available after some tries")
  func giveUp() async throws {
    let machine = FollowMachine(target: "/q", intervalMilliseconds: 0, follows: false)
    for (reading, tries) in [
      (FeedReading.lost("refused"), 2), (.unavailable(status: 503, retryAfterSeconds: 1, detail: "behind"), 5),
    ] {
      let count = Mutex(0)
      let reader = FeedReader(
        read: { _ in
          count.withLock { $0 += 1 }
          return reading
        }, sleep: { _ in })
      let error = await #expect(throws: CommandFailure.self) {
        try await reader.run(machine, limit: nil) { _ in
        } note: { _ in
        }
      }
      #expect(error?.status == .unavailable)
      #expect(count.withLock { $0 } == tries)
    }
  }

  @Test("the first request names marker, size and events, percent-encoded")
  func query() throws {
    var query = FeedReader.Query(queue: try QueueAddress(project: "p", queue: "q"))
    #expect(query.target == "/v1/p/queues/q/actions?limit=50")
    query.marker = "a-b_c"
    query.events = ["Message Deleted", "é&"]
    #expect(query.target == "/v1/p/queues/q/actions?marker=a-b_c&limit=50&event=Message%20Deleted&event=%C3%A9%26")
  }

  @Test("a line for people shows what matters and nothing that could harm a terminal")
  func line() throws {
    let page = try FeedPage(
      parsing: Array(
        #"{"links":[{"rel":"next","href":"/n"}],"messages":[{"href":"/h","ttl":1,"age":30,"body":{"event":"A\u001b[2J","user":{"username":"ann"},"details":{"k":1}}}]}"#
          .utf8))
    let line = try #require(
      page.messages.first.map { ActionPrinter.line($0, now: .init(timeIntervalSince1970: 60), Colour(isOn: false)) })
    #expect(line.hasPrefix("1970-01-01 00:00:30Z  A\\u{1b}[2J"))
    #expect(line.hasSuffix(#"ann         {"k":1}"#))
  }
}

struct NoteTests {
  @Test("Each line of a note says whose it is, also where several are told at once")
  func namesEachLine() {
    #expect(Note("the feed answers again").text == "strandline: the feed answers again\n")
    #expect(
      Note("the feed answers again\n2 actions expired").text == """
        strandline: the feed answers again
        strandline: 2 actions expired

        """)
  }
}
