import AuditActions
import Testing

@Suite("The record's value")
struct ActionBodyTests {
  @Test("A body with an event and details is accepted, and the event is found without its quotes")
  func acceptsAnAction() throws {
    let bytes = Array(#"{"event": "ClaimExpired", "details": {"claim_id": "5f"}}"#.utf8)
    let body = try validateBody(bytes).get()
    #expect(!body.eventHasEscapes)
    #expect(bytes[body.event].elementsEqual("ClaimExpired".utf8))
  }

  @Test(
    "The event is found wherever it stands, and however it is written",
    arguments: [
      (#"{"event":"a"}"#, "a"), (#" {"details":[{"event":"x"}],"event":"a"} "#, "a"), (#"{"event":"\u0061\/"}"#, "a/"),
      (#"{"\u0065vent":"a"}"#, "a"), (#"{"\u0065\u0076\u0065\u006E\u0074":"a"}"#, "a"),
      (#"{"Event":"b","event":"a"}"#, "a"),
      (#"{"event\u0000":"b","event":"a"}"#, "a"), (#"{"event":"žluť 漢 😀"}"#, "žluť 漢 😀"),
      (#"{"event":"\ud83d\ude00"}"#, "😀"), (#"{"event":"a b\"c\\"}"#, #"a b"c\"#),
      (#"{"details":{"event":1,"event":2},"event":"a"}"#, "a"), (#"{"\\u0065":1,"event":"a"}"#, "a"),
    ])
  func findsTheEvent(text: String, event: String) throws {
    let bytes = Array(text.utf8)
    let body = try validateBody(bytes).get()
    bytes.withUnsafeBytes {
      #expect(body.eventText(in: $0) == event)
      #expect(body.eventHash(in: $0) == eventHash(event))
    }
  }

  @Test(
    "A body that breaks the contract is refused with its reason",
    arguments: [
      ("", AuditActionError.Code.invalidJSON), ("   ", .invalidJSON), ("{", .invalidJSON), ("[1]", .notAnObject),
      ("7", .notAnObject), ("\"event\"", .notAnObject), ("null", .notAnObject), ("[1", .invalidJSON),
      ("nope", .invalidJSON), ("{}", .missingEvent), (#"{"details":{}}"#, .missingEvent), ("{} {}", .invalidJSON),
      (#"{"event":7}"#, .invalidEvent), (#"{"event":""}"#, .invalidEvent), (#"{"event":null}"#, .invalidEvent),
      (#"{"event":{}}"#, .invalidEvent), (#"{"event":["a"]}"#, .invalidEvent), (#"{"event":true}"#, .invalidEvent),
      (#"{"event":"a\nb"}"#, .invalidEvent), (#"{"event":"a\u0000"}"#, .invalidEvent),
      (#"{"event":"\u007f"}"#, .invalidEvent), (#"{"event":"\u009F"}"#, .invalidEvent),
      (#"{"event":"\ud800"}"#, .invalidEvent), ("{\"event\":\"a\u{7F}\"}", .invalidEvent),
      ("{\"event\":\"a\u{85}\"}", .invalidEvent), (#"{"event":"a","event":"b"}"#, .invalidEvent),
      (#"{"event":"a","event":"a"}"#, .invalidEvent), (#"{"event":"a","\u0065vent":"b"}"#, .invalidEvent),
      (#"{"event":"a","event":1}"#, .invalidEvent), (#"{"event":"a"} x"#, .invalidJSON),
      ("\u{FEFF}{\"event\":\"a\"}", .invalidJSON), (#"{"event":"a",}"#, .invalidJSON), (#"{"event":"a""#, .invalidJSON),
      (#"{"event":"a","details":}"#, .invalidJSON), (#"{"event":"a" "b":1}"#, .invalidJSON),
      ("{'event':1}", .invalidJSON),
    ])
  func refuses(text: String, expected: AuditActionError.Code) {
    #expect(code(of: validateBody(Array(text.utf8))) == expected)
  }

  @Test("The event may have 256 bytes once unescaped, not 257")
  func limitsTheEvent() {
    for (piece, bytesEach) in [("a", 1), ("é", 2), (#"\u0061"#, 1), (#"\u00e9"#, 2), (#"\ud83d\ude00"#, 4)] {
      let most = 256 / bytesEach
      #expect(code(of: validateBody(Array(#"{"event":"\#(String(repeating: piece, count: most))"}"#.utf8))) == nil)
      #expect(
        code(of: validateBody(Array(#"{"event":"\#(String(repeating: piece, count: most + 1))"}"#.utf8)))
          == .invalidEvent)
    }
    #expect(
      code(of: validateBody(Array(#"{"event":"\#(String(repeating: #"\u0061"#, count: 40_000))"}"#.utf8)))
        == .invalidEvent)
  }

  @Test("A body may have 262,144 bytes; one more is too large, whatever it holds")
  func limitsTheSize() {
    let frame = #"{"event":"a","details":""}"#.utf8.count
    func body(_ count: Int) -> [UInt8] {
      Array(#"{"event":"a","details":"\#(String(repeating: "x", count: count - frame))"}"#.utf8)
    }
    #expect(code(of: validateBody(body(262_144))) == nil)
    #expect(code(of: validateBody(body(262_145))) == .tooLarge)
    #expect(code(of: validateBody([UInt8](repeating: 0xFF, count: 262_145))) == .tooLarge)
  }

  @Test("The body's own object is level 1 of 64")
  func limitsDepth() {
    func body(_ arrays: Int) -> [UInt8] {
      let (open, close) = (String(repeating: "[", count: arrays), String(repeating: "]", count: arrays))
      return Array("{\"event\":\"a\",\"details\":\(open)\(close)}".utf8)
    }
    #expect(code(of: validateBody(body(63))) == nil)
    #expect(code(of: validateBody(body(64))) == .tooDeep)
  }

  @Test("Text that is not UTF-8 is told from other damage")
  func tellsInvalidUTF8() {
    let frame = Array("{\"event\":\"a\",\"details\":\"".utf8)
    #expect(code(of: validateBody(frame + [0xFF] + Array("\"}".utf8))) == .invalidUTF8)
    #expect(
      code(of: validateBody(Array("{\"event\":\"".utf8) + [0xED, 0xA0, 0x80] + Array("\"}".utf8))) == .invalidUTF8)
    #expect(code(of: validateBody(Array("{\"".utf8) + [0xC0, 0x80] + Array("\":1}".utf8))) == .invalidUTF8)
  }

  @Test("Errors name the place and the remedy, and never the payload")
  func redactsPayload() {
    for text in [
      #"{"event":"secret\q"}"#, #"{"event":secret}"#, #"{"secret":1}"#, #"["secret"]"#, #"{"event":"a"}secret"#,
    ] {
      guard case .failure(let error) = validateBody(Array(text.utf8)) else {
        Issue.record("accepted")
        continue
      }
      #expect(!error.description.contains("secret"))
    }
  }
}
