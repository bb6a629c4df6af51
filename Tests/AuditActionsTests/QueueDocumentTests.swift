import Testing

@testable import AuditActions

@Suite("Metadata of queues")
struct QueueDocumentTests {
  private func document(_ text: String) throws(AuditActionError) -> QueueDocument { try QueueDocument(text.utf8) }

  private func refusal(_ text: String) -> AuditActionError? {
    do throws(AuditActionError) {
      _ = try document(text)
      return nil
    } catch { return error }
  }

  @Test("an audit member is read, and everything else is kept byte for byte")
  func whole() throws {
    let text =
      #"{ "audit": {"enabled": true, "ttl": 600, "events": ["MessageDeleted", "\u0043laimExpired"]}, "team":  [1.50] }"#
    let document = try document("\n" + text + " ")
    #expect(String(decoding: document.bytes, as: UTF8.self) == text)
    #expect(document.audit.enabled == true)
    #expect(document.audit.timeToLive?.seconds == 600)
    #expect(document.audit.events == [.messageDeleted, .claimExpired])
    #expect(document.audit.retention == nil)
  }

  @Test(
    "a bound is of count, of bytes, or of both",
    arguments: [
      (#"{"count":1}"#, QueueAudit.Retention(count: 1)), (#"{"bytes":9007199254740991}"#, .init(bytes: (1 << 53) - 1)),
      (#"{"bytes":4096,"count":10}"#, .init(count: 10, bytes: 4_096)),
    ])
  func retention(_ text: String, _ expected: QueueAudit.Retention) throws {
    #expect(try document(#"{"audit":{"retention":\#(text)}}"#).audit.retention == expected)
  }

  @Test(
    "what is not said is nil", arguments: ["{}", #"{"audit":{}}"#, #"{"team":"x"}"#, #"{"audit":{"retention":{}}}"#])
  func nothing(_ text: String) throws {
    #expect(try document(text).audit == QueueAudit())
  }

  @Test(
    "a member at fault is named by its pointer",
    arguments: [
      (#"{"audit":1}"#, "/audit"), (#"{"audit":null}"#, "/audit"), (#"{"audit":{"enabled":"yes"}}"#, "/audit/enabled"),
      (#"{"audit":{"enabled":null}}"#, "/audit/enabled"), (#"{"audit":{"ttl":0}}"#, "/audit/ttl"),
      (#"{"audit":{"ttl":1209601}}"#, "/audit/ttl"), (#"{"audit":{"ttl":1.5}}"#, "/audit/ttl"),
      (#"{"audit":{"ttl":"60"}}"#, "/audit/ttl"), (#"{"audit":{"ttl":99999999999999999999}}"#, "/audit/ttl"),
      (#"{"audit":{"ttl":-1}}"#, "/audit/ttl"), (#"{"audit":{"events":"MessageDeleted"}}"#, "/audit/events"),
      (#"{"audit":{"events":["A",7]}}"#, "/audit/events/1"), (#"{"audit":{"events":[""]}}"#, "/audit/events/0"),
      (#"{"audit":{"events":["a\u0007"]}}"#, "/audit/events/0"), (#"{"audit":{"enabld":true}}"#, "/audit/enabld"),
      (#"{"audit":{"a/b~c":1}}"#, "/audit/a~1b~0c"), (#"{"audit":{"retention":5}}"#, "/audit/retention"),
      (#"{"audit":{"retention":null}}"#, "/audit/retention"),
      (#"{"audit":{"retention":{"count":0}}}"#, "/audit/retention/count"),
      (#"{"audit":{"retention":{"count":1,"bytes":-1}}}"#, "/audit/retention/bytes"),
      (#"{"audit":{"retention":{"count":"5"}}}"#, "/audit/retention/count"),
      (#"{"audit":{"retention":{"bytes":9007199254740992}}}"#, "/audit/retention/bytes"),
      (#"{"audit":{"retention":{"bytes":1.5}}}"#, "/audit/retention/bytes"),
      (#"{"audit":{"retention":{"days":1}}}"#, "/audit/retention/days"),
    ])
  func faults(_ text: String, _ pointer: String) {
    let error = refusal(text)
    #expect(error?.code == .invalidMetadata)
    #expect(error?.parameter == pointer)
  }

  @Test("an event type of more than 256 bytes is refused")
  func longEvent() {
    let name = String(repeating: "x", count: 257)
    #expect(refusal(#"{"audit":{"events":["\#(name)"]}}"#)?.parameter == "/audit/events/0")
  }

  @Test("a mistyped member is told the nearest one")
  func nearest() {
    #expect(refusal(#"{"audit":{"enabld":true}}"#)?.detail.contains("did you mean 'enabled'?") == true)
  }

  @Test(
    "what is no object, or none that all readers see alike, is refused",
    arguments: [
      ("[]", AuditActionError.Code.notAnObject), ("1", .notAnObject), ("", .invalidJSON), ("{", .invalidJSON),
      (#"{"a":1,"a":2}"#, .invalidJSON), (#"{"a":1,"\u0061":2}"#, .invalidJSON), (#"{"\ud800":1}"#, .invalidJSON),
      (#"{"audit":{},"audit":{}}"#, .invalidJSON), ("{} {}", .invalidJSON),
    ])
  func refused(_ text: String, _ code: AuditActionError.Code) {
    #expect(refusal(text)?.code == code)
  }

  @Test("64 KiB are taken, one byte more is not")
  func size() throws {
    let frame = #"{"a":""}"#
    let fits = String(repeating: "x", count: QueueDocument.bytesMax - frame.utf8.count)
    #expect(try document(#"{"a":"\#(fits)"}"#).bytes.count == QueueDocument.bytesMax)
    #expect(refusal(#"{"a":"\#(fits)x"}"#)?.code == .tooLarge)
  }

  @Test("deep nesting is refused, not recursed into")
  func deep() {
    let text = #"{"a":"# + String(repeating: "[", count: 200) + String(repeating: "]", count: 200) + "}"
    #expect(refusal(text)?.code == .tooDeep)
  }

  @Test("a patch whose result breaks the rules is refused and names the member")
  func patchedToNonsense() throws {
    let document = try document(#"{"audit":{"enabled":true}}"#)
    #expect(throws: AuditActionError.self) { _ = try document.merging(Array(#"{"audit":{"ttl":0}}"#.utf8)) }
    #expect(throws: AuditActionError.self) { _ = try document.merging(Array("[1]".utf8)) }
    let merged = try document.merging(Array(#"{"audit":{"ttl":60},"x":null}"#.utf8))
    #expect(merged.audit == QueueAudit(enabled: true, timeToLive: try TimeToLive(seconds: 60)))
  }
}

@Suite("What a queue's audit wants")
struct QueueAuditTests {
  @Test("the default decides for queues that do not say, and an allow list for those that are audited")
  func wants() {
    let silent: QueueAudit? = nil
    #expect(AuditDefault.all.wants(event: "A", of: silent))
    #expect(!AuditDefault.declared.wants(event: "A", of: silent))
    #expect(!AuditDefault.declared.wants(event: "A", of: QueueAudit(events: ["A"])))
    #expect(AuditDefault.declared.wants(event: "A", of: QueueAudit(enabled: true, events: ["A"])))
    #expect(!AuditDefault.declared.wants(event: "B", of: QueueAudit(enabled: true, events: ["A"])))
    #expect(!AuditDefault.all.wants(event: "A", of: QueueAudit(enabled: false)))
    #expect(!AuditDefault.all.wants(event: "A", of: QueueAudit(events: [])))
  }
}

@Suite("The table of what is kept")
struct QueuePoliciesTests {
  private func queue(_ number: Int) throws -> QueueAddress { try QueueAddress(project: "p", queue: "q\(number)") }

  @Test("says of each of many queues what its metadata said last, however often it changed")
  func many() throws {
    var policies = QueuePolicies(default: .declared)
    var expected: [Int: QueueAudit] = [:]
    var state: UInt64 = 42
    for _ in 0..<5_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let number = Int(state >> 33) % 300
      let choice = Int(state >> 50) % 5
      let audit: QueueAudit? =
        choice == 0
        ? nil
        : QueueAudit(
          enabled: choice == 1 ? nil : choice != 2, timeToLive: try TimeToLive(seconds: number + 1),
          events: choice == 4 ? [ActionType("E\(number)"), "Shared"] : nil)
      policies.set(audit, of: try queue(number))
      expected[number] = audit
    }
    for number in 0..<300 {
      let policy = policies.policy(of: try queue(number))
      let audit = expected[number]
      #expect(policy.isAudited == (audit?.enabled ?? false))
      #expect(policy.timeToLiveSeconds == audit?.timeToLive?.seconds ?? 0)
      for event in ["E\(number)", "Shared", "Other"] {
        #expect(
          policies.wants(event, policy) == AuditDefault.declared.wants(event: ActionType(event), of: audit))
      }
    }
  }

  @Test("a copy does not change with the original")
  func copies() throws {
    var policies = QueuePolicies(default: .all)
    let before = policies
    policies.set(QueueAudit(enabled: false), of: try queue(1))
    #expect(before.policy(of: try queue(1)).isAudited)
    #expect(!policies.policy(of: try queue(1)).isAudited)
  }

  @Test("nobody need ask while everything is kept, and again once the exceptions are gone")
  func keepsEverything() throws {
    var policies = QueuePolicies(default: .all)
    #expect(policies.keepsEverything)
    policies.set(QueueAudit(), of: try queue(1))
    #expect(policies.keepsEverything)
    policies.set(QueueAudit(timeToLive: try TimeToLive(seconds: 5)), of: try queue(1))
    #expect(!policies.keepsEverything)
    policies.set(QueueAudit(events: ["A"]), of: try queue(1))
    #expect(!policies.keepsEverything)
    policies.set(nil, of: try queue(1))
    #expect(policies.keepsEverything)
    #expect(!QueuePolicies(default: .declared).keepsEverything)
  }
}
