import ActionStore
import AuditActions
import Foundation
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@testable import FeedServer

/// Apache ACE's log protocol line by line, both directions.
@Suite struct ACETests {
  let topic = Topic()

  private func feed() throws -> Feed {
    let feed = try Feed(publisher: topic.publisher, aceQueue: try QueueAddress(project: "ace", queue: "auditlog"))
    topic.attach(feed.store)
    return feed
  }

  static let lines = [
    "gw-1,1378716629402,1,1378716630000,1,id,3,name,org.example,version,1.0.0",
    "gw-1,1378716629402,2,1378716631500,1001,msg,50$$ off$k really$n$rend",
    "gw-1,1378716629402,3,1378716632000,2003,name,pack,version,$e,success,false",
    "gw-1,1378716629402,5,1378716633000,4001",
    "gw-1,1378716629402,6,1378716633001,OwnType,key,",
    "gw-2,7,12,0,3001,$$,$k",
  ]

  @Test func `events that are sent come back as the same lines`() async throws {
    let feed = try feed()
    try await feed.test { client async throws in
      let sent = try await client.post("/auditlog/send", Self.lines.joined(separator: "\n") + "\n", type: "text/plain")
      #expect(sent.status == .ok && sent.text.isEmpty)
      let all = try await client.get("/auditlog/receive")
      #expect(all.status == .ok && all.field("Content-Type") == "text/plain; charset=utf-8")
      #expect(all.text == Self.lines.joined(separator: "\n") + "\n")
      let some = try await client.get("/auditlog/receive?tid=gw-1&logid=1378716629402&range=2-3,6")
      #expect(some.text.split(separator: "\n").map { String($0) } == [Self.lines[1], Self.lines[2], Self.lines[4]])
      #expect(try await client.get("/auditlog/receive?tid=gw-2&filter=x").text == Self.lines[5] + "\n")
      #expect(try await client.get("/auditlog/receive?tid=gw-3").text.isEmpty)
    }
  }

  @Test func `the actions are those of the queue, with ACE's types by their names`() async throws {
    let feed = try feed()
    try await feed.test { client async throws in
      #expect(try await client.post("/auditlog/send", Self.lines[0] + "\r\n" + Self.lines[2], type: nil).status == .ok)
      let bodies = topic.posts.map { String(decoding: $0.body, as: UTF8.self) }
      #expect(
        bodies == [
          #"{"event":"BUNDLE_INSTALLED","details":{"id":"3","name":"org.example","version":"1.0.0"},"#
            + #""time":"2013-09-09T08:50:30.000000000Z"}"#,
          #"{"event":"DEPLOYMENTADMIN_COMPLETE","details":{"name":"pack","version":null,"success":"false"},"#
            + #""time":"2013-09-09T08:50:32.000000000Z"}"#,
        ])
      #expect(topic.posts.allSatisfy { $0.queue.key == "ace/auditlog" })
      #expect(try await client.get("/v1/ace/queues/auditlog/actions").messages.count == 2)
      let log = try await client.get("/v1/ace/sources/gw-1/logs/1378716629402").object
      #expect(log["received"] as? String == "1,3" && log["missing_count"] as? Int == 1)
    }
  }

  @Test func `actions of other queues are shown, details that are no text as JSON`() async throws {
    let feed = try feed()
    try await feed.test { client async throws in
      let body =
        #"{"event":"Moved","details":{"n":1.50,"s":"x,y","o":{"a":[1, 2]},"b":true,"z":null},"time":"2024-01-02T03:04:05.678Z"}"#
      _ = try await client.post(
        "/v1/ace/sources/w/logs/x/actions", #"{"actions":[{"sequence":4,"queue":"other","body":\#(body)}]}"#)
      #expect(
        try await client.get("/auditlog/receive").text
          == "w,x,4,1704164645678,Moved,n,1.50,s,x$ky,o,{\"a\":[1$k 2]},b,true,z,$e\n")
    }
  }

  @Test func `ranges are told as descriptors`() async throws {
    let feed = try feed()
    try await feed.test { client async throws in
      #expect(try await client.get("/auditlog/query").text.isEmpty)
      #expect(try await client.get("/auditlog/query?tid=gw-1&logid=9").text == "gw-1,9,\n")
      _ = try await client.post("/auditlog/send", Self.lines.joined(separator: "\n"), type: "text/plain")
      #expect(try await client.get("/auditlog/query").text == "gw-1,1378716629402,1-3$k5-6\ngw-2,7,12\n")
      #expect(try await client.get("/auditlog/query?tid=gw-2").text == "gw-2,7,12\n")
      #expect(
        try await client.get("/auditlog/query?tid=gw-1&logid=1378716629402").text == "gw-1,1378716629402,1-3$k5-6\n")
    }
  }

  @Test func `lowest ids go both ways, and rise only`() async throws {
    let feed = try feed()
    try await feed.test { client async throws in
      _ = try await client.post("/auditlog/send", Self.lines.joined(separator: "\n"), type: "text/plain")
      #expect(try await client.get("/auditlog/receiveids").text.isEmpty)
      #expect(try await client.post("/auditlog/sendids", "gw-1,1378716629402,3\n", type: "text/plain").status == .ok)
      #expect(try await client.post("/auditlog/sendids", "gw-1,1378716629402,2\n", type: "text/plain").status == .ok)
      #expect(try await client.get("/auditlog/receiveids").text == "gw-1,1378716629402,3\n")
      #expect(try await client.get("/auditlog/query?tid=gw-1").text == "gw-1,1378716629402,3$k5-6\n")
      #expect(try await client.get("/auditlog/receive?tid=gw-1").text.split(separator: "\n").count == 3)
      for bad in ["gw-1,1378716629402,0", "gw-1,1378716629402", "gw-1,1378716629402,x", "gw-9,1,4", "$x,1,2"] {
        #expect(try await client.post("/auditlog/sendids", bad, type: "text/plain").status == .badRequest)
      }
    }
  }

  @Test(
    arguments: [
      "gw-1,1,4", "gw-1,1,0,5,1", "gw-1,1,-4,5,1", "gw-1,1,x,5,1", "gw-1,1,4,x,1", "gw-1,1,4,5,1,key",
      "gw-1,1,4,5,1,$x,v", "gw-1,1,4,5,1,a$,v", "gw-1,1,4,5,1,$e,v", "gw-1,1,4,5,", "gw 1,1,4,5,1", "gw-1,a b,4,5,1",
      "gw-1,1,9223372036854775808,5,1", "gw-1,1,4,9223372036854775807,1", ",1,4,5,1", "$e,1,4,5,1",
      "gw-1,1,2,5,1,changed,yes",
    ])
  func `a bad line is a 400 that names it, and the good ones are stored`(line: String) async throws {
    let feed = try feed()
    try await feed.test { client async throws in
      let good = ["gw-1,1,1,5,1", "gw-1,1,2,5,1", "gw-1,1,3,5,1"]
      let answer = try await client.post(
        "/auditlog/send", [good[0], good[1], line, good[2]].joined(separator: "\n"), type: "text/plain")
      #expect(answer.status == .badRequest)
      let errors = try #require(answer.object["errors"] as? [[String: Any]])
      #expect(errors.compactMap { $0["index"] as? Int } == [2])
      #expect(try await client.get("/auditlog/query").text == "gw-1,1,1-3\n")
      // Sent once more, the good ones are there already.
      #expect(try await client.post("/auditlog/send", good.joined(separator: "\n"), type: "text/plain").status == .ok)
      #expect(topic.posts.count == 3)
    }
  }

  @Test func `what is no question of the protocol is refused`() async throws {
    let feed = try feed()
    try await feed.test { client async throws in
      for (path, status) in [
        ("/auditlog/query?tdi=x", 400), ("/auditlog/receive?range=5-1", 400), ("/auditlog/other", 404),
        ("/auditlog", 404), ("/auditlog/send", 405), ("/auditlog/query?tid=a&tid=b", 400),
      ] {
        #expect(try await client.get(path).status.code == status, "\(path)")
      }
      #expect(try await client.get("/auditlog/query", ["Accept": "application/json"]).status == .notAcceptable)
      let bytes = Array("gw-1,1,4,5,1,k,".utf8) + [0xC3, 0x28]
      let answer = try await client.execute(
        uri: "/auditlog/send", method: .post, headers: [:], body: .init(bytes: bytes), testCallback: { $0 })
      #expect(answer.status == .badRequest)
    }
    let silent = try Feed()
    try await silent.test { client async throws in
      #expect(try await client.get("/auditlog/query").status == .notFound)
    }
  }

  @Test func `every text survives a line`() {
    for text in ["", "$", "$e", "a,b", "$k", "$$n\r\n", ",", "é😀", "$$", "e$"] {
      #expect(ACEText.decode(ACEText.encode(text)[...]) == .some(.some(text)))
      #expect(!ACEText.encode(text).contains { ",\n\r".contains($0) })
    }
    #expect(ACEText.encode(nil) == "$e" && ACEText.decode("$e") == .some(nil))
    for broken in ["$", "a$", "$x", "$E", "a$e"] { #expect(ACEText.decode(broken[...]) == nil) }
  }

  @Test("of many keys the last of each counts, where it stands last; a line too long for any action is refused unread")
  func manyKeys() throws {
    var fields = ["t", "1", "1", "1", "X", "a", "1", "b", "2", "a", "3"]
    #expect(try ACEEvent(line: fields.joined(separator: ",")[...]).properties.map(\.key) == ["b", "a"])
    for index in 0..<20_000 { fields += ["k\(index)", ""] }
    #expect(try ACEEvent(line: fields.joined(separator: ",")[...]).properties.count == 20_002)
    let error = #expect(throws: AuditActionError.self) {
      try ACEEvent(line: ("t,1,1,1,X,a," + String(repeating: "$$", count: ACEEvent.lineBytesMax / 2))[...])
    }
    #expect(error?.code == .tooLarge)
  }

  @Test("more lines than a node keeps in hand at a time are refused before any is stored")
  func manyLines() async throws {
    let feed = try Feed(aceQueue: try QueueAddress(project: "p", queue: "q"))
    try await feed.test { client async throws in
      let lines = String(repeating: "a\n", count: ACEResponder.linesMax + 1)
      let answer = try await client.post("/auditlog/send", lines, type: "text/plain")
      #expect(answer.status == .badRequest && answer.text.contains("more than 100000 lines"))
    }
  }
}
