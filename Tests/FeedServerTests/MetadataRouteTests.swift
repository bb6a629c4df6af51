import AuditActions
import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import FeedServer

/// The route of a queue's metadata.
@Suite struct MetadataRouteTests {
  static let path = "/v1/p/queues/q"
  static let document = #"{ "audit": {"enabled": true}, "team":  [1.50] }"#

  @Test func `a document is kept byte for byte, told by tag, replaced and removed`() async throws {
    try await AuditedFeed.test { _, client async throws in
      let created = try await client.put(Self.path, Self.document)
      #expect(created.status == .created)
      #expect(created.field("Location") == Self.path)
      let tag = try #require(created.field("ETag"))
      let read = try await client.get(Self.path)
      #expect(read.status == .ok)
      #expect(read.text == Self.document)
      #expect(read.field("ETag") == tag)
      #expect(read.field("Strandline-Audited") == "true")
      #expect(read.field("Content-Type") == "application/json")

      let head = try await client.send(.head, Self.path)
      #expect(head.status == .ok && head.text.isEmpty && head.field("ETag") == tag)

      let replaced = try await client.put(Self.path, #"{"a":1}"#)
      #expect(replaced.status == .noContent)
      #expect(replaced.field("ETag") != tag)
      #expect(try await client.get(Self.path).text == #"{"a":1}"#)

      let deleted = try await client.send(.delete, Self.path)
      #expect(deleted.status == .noContent)
      #expect(try await client.get(Self.path).status == .notFound)
      #expect(try await client.send(.delete, Self.path).status == .noContent)
    }
  }

  @Test func `the alias reaches the same document`() async throws {
    try await AuditedFeed.test { _, client async throws in
      let project = ["X-Project-ID": "p"]
      #expect(try await client.put("/v1/queues/q", #"{"a":1}"#, project).status == .created)
      #expect(try await client.get(Self.path).text == #"{"a":1}"#)
      #expect(try await client.get("/v1/queues/q", project).text == #"{"a":1}"#)
      #expect(try await client.patch("/v1/queues/q", #"{"b":2}"#, project).text == #"{"a":1,"b":2}"#)
      #expect(try await client.send(.delete, "/v1/queues/q", project).status == .noContent)
      #expect(try await client.get("/v1/queues/q").status == .badRequest)
    }
  }

  @Test func `a queue is put without content, as Zaqar's clients do`() async throws {
    try await AuditedFeed.test { _, client async throws in
      #expect(try await client.put(Self.path, nil, type: nil).status == .created)
      #expect(try await client.get(Self.path).text == "{}")
    }
  }

  @Test func `a queue known by its actions alone has empty metadata`() async throws {
    try await AuditedFeed.test(default: .all) { audited, client async throws in
      try audited.feed.append()
      let answer = try await client.get(Self.path)
      #expect(answer.status == .ok && answer.text == "{}")
      #expect(answer.field("ETag") == nil)
      #expect(answer.field("Strandline-Audited") == "true")
    }
  }

  @Test func `each kind of patch changes what it says`() async throws {
    try await AuditedFeed.test { _, client async throws in
      _ = try await client.put(Self.path, #"{"audit":{"enabled":true},"team":"x"}"#)
      let patches = [
        ("application/json", #"{"audit":{"ttl":60}}"#, #"{"audit":{"enabled":true,"ttl":60},"team":"x"}"#),
        ("application/merge-patch+json; charset=utf-8", #"{"team":null}"#, #"{"audit":{"enabled":true,"ttl":60}}"#),
        (
          "application/json-patch+json", #"[{"op":"add","path":"/n","value":1.0},{"op":"test","path":"/n","value":1}]"#,
          #"{"audit":{"enabled":true,"ttl":60},"n":1.0}"#
        ),
        (
          "application/openstack-messaging-v2.0-json-patch", #"[{"op":"remove","path":"/metadata/n"}]"#,
          #"{"audit":{"enabled":true,"ttl":60}}"#
        ),
      ]
      for (type, patch, result) in patches {
        let answer = try await client.patch(Self.path, patch, type: type)
        #expect(answer.status == .ok, "\(type)")
        #expect(answer.text == result)
        #expect(try await client.get(Self.path).text == result)
      }
      #expect(try await client.patch("/v1/p/queues/new", #"{"a":1}"#).text == #"{"a":1}"#)
      // One of two bounds, then the other: a patch need not be a document by itself.
      _ = try await client.put(Self.path, #"{"audit":{"retention":{"count":5,"bytes":100}}}"#)
      for (patch, rest) in [("count", #"{"bytes":100}"#), ("bytes", "{}")] {
        let answer = try await client.patch(Self.path, #"{"audit":{"retention":{"\#(patch)":null}}}"#)
        #expect(answer.status == .ok && answer.text == #"{"audit":{"retention":\#(rest)}}"#)
      }
    }
  }

  @Test func `a patch that does not fit is a conflict and changes nothing`() async throws {
    try await AuditedFeed.test { _, client async throws in
      _ = try await client.put(Self.path, #"{"a":1}"#)
      let patch =
        #"[{"op":"add","path":"/b","value":2},{"op":"test","path":"/a","value":9},{"op":"remove","path":"/a"}]"#
      let answer = try await client.patch(Self.path, patch, type: "application/json-patch+json")
      #expect(answer.status == .conflict)
      #expect(try answer.object["parameter"] as? String == "/1")
      #expect(try answer.object["type"] as? String == "urn:problem-type:strandline:patch-conflict")
      #expect(try await client.get(Self.path).text == #"{"a":1}"#)
    }
  }

  @Test(arguments: [
    (#"{"audit":{"ttl":0}}"#, "/audit/ttl"), (#"{"audit":{"enabld":true}}"#, "/audit/enabld"),
    (#"{"audit":{"events":[1]}}"#, "/audit/events/0"),
    (#"{"audit":{"retention":{"count":0}}}"#, "/audit/retention/count"),
    ("[]", nil), ("{", nil), (#"{"a":1,"a":1}"#, "/a"),
  ])
  func `metadata that cannot be names the member at fault`(_ text: String, _ pointer: String?) async throws {
    try await AuditedFeed.test { _, client async throws in
      let answer = try await client.put(Self.path, text)
      #expect(answer.status == .badRequest)
      #expect(try answer.object["parameter"] as? String == pointer)
      #expect(try answer.object["type"] as? String == "urn:problem-type:strandline:invalid-metadata")
      #expect(try await client.get(Self.path).status == .notFound)
    }
  }

  @Test func `64 KiB are taken, one byte more is not, by whatever it is sent`() async throws {
    try await AuditedFeed.test { _, client async throws in
      let fits = #"{"a":""# + String(repeating: "x", count: QueueDocument.bytesMax - 8) + #""}"#
      #expect(fits.utf8.count == QueueDocument.bytesMax)
      #expect(try await client.put(Self.path, fits).status == .created)
      #expect(try await client.put(Self.path, fits + " ").status == .contentTooLarge)
      #expect(try await client.patch(Self.path, #"{"b":1}"#).status == .contentTooLarge)
      #expect(try await client.get(Self.path).text == fits)
    }
  }

  @Test func `a type that is not taken is refused with those that are`() async throws {
    try await AuditedFeed.test { _, client async throws in
      for type in ["text/plain", "application/json; charset=latin1", "application/json-patch+json"] {
        let answer = try await client.put(Self.path, "{}", type: type)
        #expect(answer.status == .unsupportedMediaType)
        #expect(answer.field("Accept") == "application/json")
      }
      #expect(try await client.put(Self.path, "{}", type: nil).status == .unsupportedMediaType)
      let patch = try await client.patch(Self.path, "{}", type: "text/plain")
      #expect(patch.status == .unsupportedMediaType)
      #expect(patch.field("Accept")?.contains("application/merge-patch+json") == true)
      #expect(try await client.send(.patch, Self.path).status == .unsupportedMediaType)
    }
  }

  @Test func `conditions are held against the tag there is`() async throws {
    try await AuditedFeed.test { _, client async throws in
      #expect(try await client.put(Self.path, "{}", ["If-Match": "*"]).status == .preconditionFailed)
      let tag = try #require(try await client.put(Self.path, "{}", ["If-None-Match": "*"]).field("ETag"))
      #expect(try await client.put(Self.path, #"{"a":1}"#, ["If-None-Match": "*"]).status == .preconditionFailed)
      #expect(try await client.put(Self.path, #"{"a":1}"#, ["If-Match": "\"9-9\""]).status == .preconditionFailed)
      #expect(try await client.put(Self.path, #"{"a":1}"#, ["If-Match": "W/\(tag)"]).status == .preconditionFailed)
      #expect(try await client.get(Self.path, ["If-None-Match": tag]).status == .notModified)
      let next = try await client.patch(Self.path, #"{"a":1}"#, ["If-Match": "\"0-99\", \(tag)"])
      #expect(next.status == .ok)
      #expect(try await client.send(.delete, Self.path, ["If-Match": tag]).status == .preconditionFailed)
      #expect(try await client.get(Self.path, ["If-None-Match": tag]).text == #"{"a":1}"#)
      let unquoted = try await client.put(Self.path, "{}", ["If-Match": "0-0"])
      #expect(unquoted.status == .badRequest)
      #expect(try unquoted.object["parameter"] as? String == "If-Match")
    }
  }

  @Test func `other methods, parameters and names are refused`() async throws {
    try await AuditedFeed.test { _, client async throws in
      let post = try await client.post(Self.path, "{}")
      #expect(post.status == .methodNotAllowed)
      #expect(post.field("Allow") == "GET, HEAD, PUT, PATCH, DELETE")
      #expect(try await client.put(Self.path + "?x=1", "{}").status == .badRequest)
      #expect(try await client.get(Self.path + "?x=1").status == .badRequest)
      #expect(try await client.put("/v1/p/queues/a%20b", "{}").status == .badRequest)
      #expect(try await client.send(.put, Self.path, ["Accept": "text/html"]).status == .notAcceptable)
    }
  }

  @Test func `before metadata is read nothing is said and nothing changed`() async throws {
    try await AuditedFeed.test(isRead: false) { audited, client async throws in
      try audited.feed.append()
      for answer in [
        try await client.get(Self.path), try await client.put(Self.path, "{}"),
        try await client.patch(Self.path, "{}"), try await client.send(.delete, Self.path),
        try await client.get("/v1/p/queues/other/actions"),
      ] {
        #expect(answer.status == .serviceUnavailable)
        #expect(answer.field("Retry-After") != nil)
      }
      // What is there can be read.
      #expect(try await client.get(Self.path + "/actions").status == .ok)
    }
  }

  @Test func `a node without metadata says so`() async throws {
    let feed = try Feed()
    try await feed.test { client async throws in
      #expect(try await client.get(Self.path).status == .serviceUnavailable)
      #expect(try await client.put(Self.path, "{}").status == .serviceUnavailable)
    }
  }

  @Test func `the list of queues tells which are audited`() async throws {
    try await AuditedFeed.test { audited, client async throws in
      try audited.feed.append(queue: "p/a")
      try audited.feed.append(queue: "p/b")
      _ = try await client.put("/v1/p/queues/b", #"{"audit":{"enabled":true}}"#)
      let queues = try await client.get("/v1/p/queues").object["queues"] as? [[String: Any]]
      #expect(queues?.map { $0["audited"] as? Bool } == [false, true])
    }
  }
}
