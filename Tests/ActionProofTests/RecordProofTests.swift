import AuditActions
import Testing

@testable import ActionProof

@Suite("The proof of a record")
struct RecordProofTests {
  private func keys() throws -> SourceKeys { try SourceKeys(text: "/workers/7\n\(TestKey.published)") }

  private func fault(_ record: SampleRecord, _ proof: RecordProof) -> AuditActionError.Code? {
    record.withFields { proof.fault(of: $0)?.code }
  }

  /// Made by another program, of the same key and record.
  @Test("checksum and signature are those that others make of the documented bytes")
  func vectors() throws {
    let record = try SampleRecord().sealed()
    #expect(record["ce_crc32c"] == "7c516d48")
    #expect(
      record["ce_signature"]
        == "UmYTf8FtcNmwmYOqesb+UKeoiq391BwyEUIu2B1EpaX/LhP+nQzFeGlDvnXKMW/6W1Hqjlg+c9FnbVrsSLC6DQ==")
    let bare = try SampleRecord(value: #"{"event":"OrderShipped"}"#, headers: []).sealed()
    #expect(bare["ce_crc32c"] == "dcbf326a")
    #expect(
      bare["ce_signature"]
        == "pIzTaDyBBrXX0w+A4aD257MpWYNakIjA2dpLceQCLqloCpQCGnfZII/fT7t7FdzMVki2O9LVGnnGRJJ+seFgBw==")
  }

  @Test("a whole record passes, whatever headers it has besides and wherever they stand")
  func whole() throws {
    for required in RequiredSignatures.allCases {
      let proof = RecordProof(keys: try keys(), required: required)
      var record = try SampleRecord().sealed()
      #expect(fault(record, proof) == nil)
      record.headers.reverse()
      record.headers.append(("traceparent", "00-1"))
      record.headers.append(("ce_anything", nil))
      #expect(fault(record, proof) == nil)
    }
  }

  @Test("any change of key, value or a header that is proved is noticed, by the checksum and by the signature")
  func changed() throws {
    let proof = RecordProof(keys: try keys())
    for (checksum, signed, code) in [
      (true, false, AuditActionError.Code.checksumMismatch), (false, true, .signatureInvalid),
    ] {
      let record = try SampleRecord().sealed(checksum: checksum, signed: signed)
      #expect(fault(record, proof) == nil)
      var changed = record
      changed.key = "demo/order"
      #expect(fault(changed, proof) == code)
      changed = record
      changed.value = record.value?.replacing("4711", with: "4712")
      #expect(fault(changed, proof) == code)
      changed = record
      changed.value = nil
      #expect(fault(changed, proof) == code)
      for (index, header) in record.headers.enumerated()
      where ["ce_id", "ce_time", "ce_logid", "ce_sequence", "ttl"].contains(header.name) {
        for value in ["9", "", nil] {
          changed = record
          changed.headers[index].value = value
          #expect(fault(changed, proof) == code, "\(header.name)")
        }
        changed = record
        changed.headers.remove(at: index)
        #expect(fault(changed, proof) == code, "\(header.name)")
        changed = record
        changed.headers.append((header.name, "9"))
        #expect(fault(changed, proof) == code, "the last of several counts: \(header.name)")
      }
    }
  }

  @Test("a byte cannot be moved from one field to the next")
  func boundaries() throws {
    var record = try SampleRecord().sealed()
    record.key = "demo/order"
    record.value = "s" + (record.value ?? "")
    #expect(fault(record, RecordProof()) == .checksumMismatch)
  }

  @Test(
    "a checksum that is none does not match; either case is read",
    arguments: [
      ("7C516D48", nil), ("7c516d4", .checksumMismatch), ("7c516d480", .checksumMismatch), ("", .checksumMismatch),
      ("7c516d4g", .checksumMismatch), ("+c516d48", .checksumMismatch),
    ] as [(String, AuditActionError.Code?)])
  func checksumText(text: String, code: AuditActionError.Code?) throws {
    var record = SampleRecord()
    record.headers.append(("ce_crc32c", text))
    #expect(fault(record, RecordProof()) == code)
  }

  @Test(
    "a signature that is none is invalid, and looked at only where the source's key is known",
    arguments: ["", "AA==", String(repeating: "A", count: 86) + "==", String(repeating: "*", count: 88)])
  func signatureText(text: String) throws {
    var record = SampleRecord()
    record.headers.append(("ce_signature", text))
    #expect(fault(record, RecordProof(keys: try keys())) == .signatureInvalid)
    #expect(fault(record, RecordProof()) == nil)
    record.headers.append(("ce_source", "/workers/8"))
    #expect(fault(record, RecordProof(keys: try keys())) == nil)
  }

  @Test("who has to sign and does not, or has no key, is not authenticated")
  func required() throws {
    var stranger = SampleRecord()
    stranger.headers.append(("ce_source", "/workers/8"))
    var nameless = SampleRecord()
    nameless.headers.removeAll { $0.name == "ce_source" }
    let cases: [(RequiredSignatures, SampleRecord, AuditActionError.Code?)] = [
      (.none, SampleRecord(), nil), (.none, stranger, nil), (.none, nameless, nil),
      (.known, SampleRecord(), .sourceNotAuthenticated), (.known, stranger, nil), (.known, nameless, nil),
      (.all, SampleRecord(), .sourceNotAuthenticated), (.all, stranger, .sourceNotAuthenticated),
      (.all, nameless, .sourceNotAuthenticated), (.all, try stranger.sealed(), .sourceNotAuthenticated),
    ]
    for (required, record, code) in cases {
      #expect(fault(record, RecordProof(keys: try keys(), required: required)) == code, "\(required)")
    }
  }

  @Test("a source that claims another's name is refused: its signature is of another key")
  func impostor() throws {
    let keys = try SourceKeys(text: "/workers/7\n\(TestKey.other)\n/workers/8\n\(TestKey.published)")
    for required in RequiredSignatures.allCases {
      #expect(fault(try SampleRecord().sealed(), RecordProof(keys: keys, required: required)) == .signatureInvalid)
    }
  }

  @Test("a source's name is its bytes, not what they look like")
  func sourceBytes() throws {
    // U+212A, a sign that is canonically equal to the letter K.
    let keys = try SourceKeys(text: "/workers/K\n\(TestKey.published)")
    var record = SampleRecord()
    record.headers.append(("ce_source", "/workers/\u{212A}"))
    #expect(fault(record, RecordProof(keys: keys, required: .known)) == nil)
    #expect(fault(record, RecordProof(keys: keys, required: .all)) == .sourceNotAuthenticated)
  }

  @Test("any of a source's keys is good, so that a key can be replaced")
  func severalKeys() throws {
    let keys = try SourceKeys(
      text: "# the old one\r\n/workers/7\r\n\(TestKey.other)\r\n\r\n#\n/workers/7\n\(TestKey.published)")
    #expect(keys.count == 1)
    #expect(fault(try SampleRecord().sealed(), RecordProof(keys: keys, required: .all)) == nil)
  }

  @Test(
    "a file of keys that is wrong is refused with the line",
    arguments: [
      ("", 1), ("\n\n", 1), ("/workers/7\n", 1), ("/workers/7\n/workers/8\n\(TestKey.published)", 1),
      ("# x\n\(TestKey.published)", 2), ("/workers/7\n\(TestKey.secret)", 2),
      ("/workers/7\n-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", 2),
      ("/workers/7\n-----BEGIN PUBLIC KEY-----\nMCow", 2), ("a b\n\(TestKey.published)", 1),
      (String(repeating: "/w\n\(TestKey.published)", count: 5), 18),
    ])
  func wrongKeys(text: String, line: Int) {
    let fault = #expect(throws: SourceKeysFault.self) { try SourceKeys(text: text) }
    #expect(fault?.line == line)
    #expect(fault?.detail.contains("nWGxne") == false)
  }

  @Test("a key tells nothing of itself")
  func redaction() throws {
    let signer = try #require(SourceSigner(pem: TestKey.secret))
    var dumped = ""
    dump(signer, to: &dumped)
    #expect(!"\(signer)\(dumped)".contains("9d61") && "\(signer)" == "an Ed25519 key")
    #expect(SourceSigner(pem: TestKey.published) == nil && SourceSigner(pem: "") == nil)
  }
}
