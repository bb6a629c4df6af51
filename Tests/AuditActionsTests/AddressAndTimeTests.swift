import AuditActions
import Testing

@Suite("Queue addresses")
struct QueueAddressTests {
  @Test("Names of allowed characters and lengths make an address and a key")
  func acceptsNames() throws {
    let address = try QueueAddress(project: "5f_A.b-9", queue: "demo.Q_1-x")
    #expect(address.key == "5f_A.b-9/demo.Q_1-x")
    #expect(try key(address.key) == address)
    let longest = try QueueAddress(
      project: String(repeating: "p", count: 256), queue: String(repeating: "q", count: 64))
    #expect(try key(longest.key) == longest)
  }

  @Test("A name outside the limits is refused with the parameter's name")
  func refusesNames() {
    for bad in ["", " ", "a b", "a/b", "é", "a\n", "a%", "a:b", String(repeating: "x", count: 257)] {
      #expect(throws: AuditActionError.self) { try QueueAddress(project: bad, queue: "q") }
      #expect(throws: AuditActionError.self) { try QueueAddress(project: "p", queue: bad) }
    }
    #expect(throws: AuditActionError.self) { try QueueAddress(project: "p", queue: String(repeating: "q", count: 65)) }
    do {
      _ = try QueueAddress(project: "p", queue: "a b")
    } catch {
      #expect(error.parameter == "queue")
      #expect(error.code == .invalidQueue)
    }
  }

  @Test("Exactly the documented characters are allowed, of all 256 bytes")
  func allowsExactlyTheDocumentedCharacters() {
    let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-".utf8)
    for byte in UInt8.min...UInt8.max {
      let accepted = (try? keyBytes([0x61, byte, 0x2F, byte, 0x61])) != nil
      #expect(accepted == allowed.contains(byte), "byte \(byte)")
    }
  }

  @Test("A key that is not project/queue is refused")
  func refusesKeys() {
    for bad in [
      "", "/", "p", "p/", "/q", "p/q/", "p//q", "p/q/r", "p q/r", "p/q ", "p\\q", "é/q", "./q", "p/.", "../q", "p/..",
      String(repeating: "p", count: 257) + "/q", "p/" + String(repeating: "q", count: 65),
    ] {
      #expect(throws: AuditActionError.self, "\(bad)") { try key(bad) }
    }
  }

  @Test("Steps of a path are no names", arguments: [".", ".."])
  func refusesDotSegments(name: String) {
    #expect(throws: AuditActionError.self) { try QueueAddress(project: name, queue: "q") }
    #expect(throws: AuditActionError.self) { try QueueAddress(project: "p", queue: name) }
  }

  @Test("Addresses are ordered by project, then queue")
  func orders() throws {
    let addresses = try [("b", "a"), ("a", "z"), ("a", "b"), ("a-", "a")].map {
      try QueueAddress(project: $0, queue: $1)
    }
    #expect(addresses.sorted().map(\.key) == ["a/b", "a/z", "a-/a", "b/a"])
  }

  private func key(_ text: String) throws -> QueueAddress { try keyBytes(Array(text.utf8)) }
  private func keyBytes(_ bytes: [UInt8]) throws -> QueueAddress {
    try bytes.withUnsafeBytes { try QueueAddress(key: $0) }
  }
}

@Suite("Times")
struct ActionTimeTests {
  @Test(
    "RFC 3339 texts are read and written with nine digits",
    arguments: [
      ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000000000Z"),
      ("2026-11-21T04:44:00.123456789Z", 1_795_236_240_123_456_789, "2026-11-21T04:44:00.123456789Z"),
      ("2026-11-21t06:44:00.5+02:00", 1_795_236_240_500_000_000, "2026-11-21T04:44:00.500000000Z"),
      ("2026-11-20T23:14:00-05:30", 1_795_236_240_000_000_000, "2026-11-21T04:44:00.000000000Z"),
      ("1969-12-31T23:59:59.999999999z", -1, "1969-12-31T23:59:59.999999999Z"),
      ("2000-02-29T12:00:00Z", 951_825_600_000_000_000, "2000-02-29T12:00:00.000000000Z"),
      ("2016-12-31T23:59:60Z", 1_483_228_800_000_000_000, "2017-01-01T00:00:00.000000000Z"),
      ("2262-04-11T23:47:16.854775807Z", Int64.max, "2262-04-11T23:47:16.854775807Z"),
    ])
  func roundTrips(text: String, nanoseconds: Int64, written: String) throws {
    let time = try ActionTime(rfc3339: text)
    #expect(time.nanosecondsSince1970 == nanoseconds)
    #expect(time.rfc3339 == written)
    #expect(try ActionTime(rfc3339: written) == time)
  }

  @Test(
    "Anything else is refused",
    arguments: [
      "", "now", "2026-11-21", "2026-11-21T04:44:00", "2026-11-21 04:44:00Z", "2026-13-01T00:00:00Z",
      "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-11-21T24:00:00Z",
      "2026-11-21T04:60:00Z", "2026-11-21T04:44:61Z", "2026-11-21T04:44:00.Z", "2026-11-21T04:44:00.1234567890Z",
      "2026-11-21T04:44:00+2:00", "2026-11-21T04:44:00+24:00", "2026-11-21T04:44:00Zx", "+026-11-21T04:44:00Z",
      "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "2262-04-11T23:47:16.854775808Z", "2026-11-21T04:44:00.5",
    ])
  func refuses(text: String) {
    #expect(throws: AuditActionError.self) { try ActionTime(rfc3339: text) }
  }

  @Test("Every day of eight centuries survives the way there and back")
  func roundTripsEveryDay() throws {
    var previous = ""
    for day in stride(from: Int64(-106_000), through: 106_000, by: 1) {
      let time = ActionTime(nanosecondsSince1970: day * 86_400_000_000_000 + 1)
      #expect(time.rfc3339 > previous)
      previous = time.rfc3339
      if day % 7 == 0 { #expect(try ActionTime(rfc3339: previous) == time) }
    }
  }

  @Test("The extremes of 64 bits are written without trapping")
  func writesExtremes() throws {
    #expect(ActionTime(nanosecondsSince1970: .min).rfc3339 == "1677-09-21T00:12:43.145224192Z")
    #expect(ActionTime(nanosecondsSince1970: .min).millisecondsSince1970 == -9_223_372_036_855)
    #expect(ActionTime(nanosecondsSince1970: -1).millisecondsSince1970 == -1)
    #expect(ActionTime.now > (try ActionTime(rfc3339: "2020-01-01T00:00:00Z")))
  }
}

@Suite("Topic paths")
struct TopicPathTests {
  @Test("A path holds itself and what lies below it, by whole parts")
  func contains() throws {
    let node = try TopicPath("node.conn")
    #expect(node.parts == ["node", "conn"])
    #expect(node.contains(node))
    #expect(node.contains(try TopicPath("node.conn.forward")))
    #expect(!node.contains(try TopicPath("node.connection")))
    #expect(!node.contains(try TopicPath("node")))
  }

  @Test("A malformed path is refused", arguments: ["", ".", "a.", ".a", "a..b", "a b", "a/b", "é"])
  func refuses(text: String) {
    #expect(throws: AuditActionError.self) { try TopicPath(text) }
  }
}
