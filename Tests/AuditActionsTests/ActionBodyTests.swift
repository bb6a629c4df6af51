import AuditActions
import Testing

@Suite("The record's value")
struct ActionBodyTests {
  @Test("A body with an event and details is accepted, and the event is found without its quotes")
  func acceptsAnAction() throws {
    let text = #"{"event": "ClaimExpired", "details": {"claim_id": "5f"}}"#
    let body = try validate(text)
    #expect(!body.eventHasEscapes)
    #expect(Array(text.utf8)[body.event].elementsEqual("ClaimExpired".utf8))
  }

  @Test(
    "A body that breaks the contract is refused with its reason",
    arguments: [
      ("", AuditActionError.Code.invalidJSON), ("   ", .invalidJSON), ("{", .invalidJSON), ("[1]", .notAnObject),
      ("7", .notAnObject), ("\"event\"", .notAnObject), ("{}", .missingEvent), (#"{"details":{}}"#, .missingEvent),
      (#"{"event":7}"#, .invalidEvent), (#"{"event":""}"#, .invalidEvent), (#"{"event":null}"#, .invalidEvent),
      (#"{"event":"a\nb"}"#, .invalidEvent), (#"{"event":"a\u0000"}"#, .invalidEvent),
      (#"{"event":"\ud800"}"#, .invalidEvent), ("{\"event\":\"a\u{7F}\"}", .invalidEvent),
      ("{\"event\":\"a\u{85}\"}", .invalidEvent), (#"{"event":"a","event":"b"}"#, .invalidEvent),
      (#"{"event":"a","\u0065vent":"b"}"#, .invalidEvent), (#"{"event":"a"} x"#, .invalidJSON),
      ("\u{FEFF}{\"event\":\"a\"}", .invalidJSON), (#"{"event":"a",}"#, .invalidJSON),
    ])
  func refuses(text: String, code: AuditActionError.Code) {
    #expect(throws: AuditActionError.self) { try validate(text) }
    do { _ = try validate(text) } catch { #expect((error as? AuditActionError)?.code == code, "\(text): \(error)") }
  }

  private func validate(_ text: String) throws -> ActionBody {
    try Array(text.utf8).withUnsafeBytes { try ActionBody.validate($0) }
  }
}
