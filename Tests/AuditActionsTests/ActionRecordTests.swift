import AuditActions
import Foundation
import Testing

@Suite("The record an action becomes")
struct ActionRecordTests {
  let time = ActionTime(nanosecondsSince1970: 1_795_236_240_123_456_789)

  @Test("The value has its members in order, compactly")
  func encodesCompactly() throws {
    let action = Action(
      type: .claimExpired, details: ["claim_id": "5f"], message: "gone", version: "1.2",
      topic: try TopicPath("queue.claim"), time: time)
    #expect(
      text(ActionRecord.encode(action))
        == #"{"event":"ClaimExpired","details":{"claim_id":"5f"},"#
        + #""user":{"username":"SYSTEM","authenticationProvider":"SYSTEM"},"message":"gone","version":"1.2","#
        + #""topic":"queue.claim","time":"2026-11-21T04:44:00.123456789Z"}"#)
  }

  @Test("Details keep every byte they were given with")
  func keepsDetails() throws {
    let given = "{ \"b\" : 1.0e0,\n\t\"a\":\"\\u0041\\/\" , \"b\":[ ] }"
    let encoded = text(ActionRecord.encode(Action(type: "X", details: try JSONText("  \(given)\n"), time: time)))
    #expect(encoded.contains("\"details\":\(given),\"user\""))
  }

  @Test("Client id and user agent join the details, unless they are there already")
  func addsTheClient() throws {
    var action = Action(type: "X", details: ["a": 1], time: time, clientID: "c\"1", userAgent: "ua/1")
    #expect(text(ActionRecord.encode(action)).contains(#""details":{"a":1,"client_id":"c\"1","user_agent":"ua/1"},"#))
    action.details = try JSONText(#"{ }"#)
    #expect(text(ActionRecord.encode(action)).contains(#""details":{ "client_id":"c\"1","user_agent":"ua/1"},"#))
    action.details = try JSONText(#"{"client\u005fid":"own"}"#)
    #expect(text(ActionRecord.encode(action)).contains(#""details":{"client\u005fid":"own","user_agent":"ua/1"},"#))
    action.userAgent = nil
    #expect(text(ActionRecord.encode(action)).contains(#""details":{"client\u005fid":"own"},"#))
  }

  @Test("Every string comes back from a JSON parser as it was")
  func escapes() throws {
    var hard = "\"\\/ é 😀 \u{2028} \u{7F} \u{FEFF}"
    for control in UInt32(0)..<0x20 { hard.unicodeScalars.append(try #require(Unicode.Scalar(control))) }
    let action = Action(
      type: "X", details: JSONText(members: [.init(hard, .string(hard))]),
      user: Actor(username: hard, authenticationProvider: hard), message: hard, version: hard, time: time,
      clientID: hard, userAgent: hard)
    let bytes = ActionRecord.encode(action)
    #expect(code(of: validateBody(bytes)) == nil)
    let object = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    #expect(object["message"] as? String == hard)
    #expect(object["version"] as? String == hard)
    #expect(object["user"] as? [String: String] == ["username": hard, "authenticationProvider": hard])
    #expect(object["details"] as? [String: String] == [hard: hard, "client_id": hard, "user_agent": hard])
  }

  @Test("Literals are written as JSON, numbers without a finite value as null")
  func writesLiterals() {
    let details: JSONText = [
      "i": -3, "d": 1.5, "big": 1e300, "t": true, "n": nil, "a": [1, "x", []], "o": ["k": [:]],
    ]
    #expect(
      details.description == #"{"i":-3,"d":1.5,"big":1e+300,"t":true,"n":null,"a":[1,"x",[]],"o":{"k":{}}}"#)
    let none = JSONText(members: [.init("x", .number(.nan)), .init("y", .number(-.infinity))])
    #expect(none.description == #"{"x":null,"y":null}"#)
  }

  @Test("Details must be one JSON object that fits")
  func refusesDetails() {
    for (given, expected) in [
      ("", AuditActionError.Code.invalidJSON), ("[]", .notAnObject), ("{", .invalidJSON), ("{}{}", .invalidJSON),
      (String(repeating: "{\"a\":", count: 63) + "{}" + String(repeating: "}", count: 63), .tooDeep),
      ("{\"a\":\"" + String(repeating: "x", count: 262_144) + "\"}", .tooLarge),
    ] {
      do {
        _ = try JSONText(given)
        Issue.record("accepted \(given.prefix(20))")
      } catch {
        #expect(error.code == expected)
      }
    }
  }

  @Test("Headers are CloudEvents in binary mode, with the time to live where there is one")
  func writesHeaders() throws {
    var action = Action(type: "MessageDeleted", time: time)
    var headers = headerTexts(action)
    #expect(
      headers.map(\.0) == ["ce_specversion", "ce_source", "content-type", "ce_id", "ce_type", "ce_time"])
    #expect(
      headers.map(\.1) == ["1.0", "/w", "application/json", "7", "MessageDeleted", "2026-11-21T04:44:00.123456789Z"])
    action.timeToLive = try TimeToLive(seconds: 60)
    headers = headerTexts(action)
    #expect(headers.last?.0 == "ttl")
    #expect(headers.last?.1 == "60")
  }

  @Test("A time to live is decimal seconds from 1 to 1,209,600")
  func parsesTimeToLive() throws {
    for (given, expected) in [("1", 1), ("300", 300), ("1209600", 1_209_600), ("0000000300", 300)] as [(String, Int32)]
    {
      #expect(try Array(given.utf8).withUnsafeBytes { try ActionRecord.parseTimeToLive($0) } == expected)
    }
    for bad in [
      "", "0", "-1", "+1", " 1", "1 ", "1.0", "1e2", "abc", "1209601", "4294967297", "99999999999999999999",
      "00000000300", "\u{0}", "３",
    ] {
      #expect(throws: AuditActionError.self, "\(bad)") {
        try Array(bad.utf8).withUnsafeBytes { try ActionRecord.parseTimeToLive($0) }
      }
    }
    for bad in [0, -1, 1_209_601, .max, .min] {
      #expect(throws: AuditActionError.self) { try TimeToLive(seconds: bad) }
    }
  }

  @Test("Event hashes are part of the store's format and never change")
  func hashesAreStable() {
    #expect(eventHash("") == 0)
    #expect(eventHash("ClaimExpired") == Self.pinned[0])
    #expect(eventHash("MessageDeleted") == Self.pinned[1])
    #expect(eventHash("12345678") == Self.pinned[2])
    #expect(eventHash("a") != eventHash("a\u{0}"))
  }

  static let pinned: [UInt32] = [3_937_519_433, 2_914_511_563, 1_178_857_897]

  private func headerTexts(_ action: Action) -> [(String, String)] {
    ActionRecord.headers(for: action, id: "7", source: "/w").map { ($0.0, text($0.1)) }
  }
  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
