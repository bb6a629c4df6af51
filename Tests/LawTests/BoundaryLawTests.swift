import Testing

@Suite("The boundary to the C library")
struct BoundaryLawTests {
  /// Names of librdkafka's types, functions and constants, and the pointer types that C handles travel in.
  private let foreign = #/\b(rd_kafka_\w+|RD_KAFKA_\w+|OpaquePointer)\b/#

  @Test("no C type stands in a declaration that Kafka gives to others")
  func kafkaExportsNoCType() throws {
    let files = try Repository.swiftFiles(in: "Sources/Kafka")
    #expect(!files.isEmpty, "the sources were not found")
    for file in files {
      for (line, signature) in offences(in: file.code) { Issue.record("\(file.path):\(line): \(signature)") }
    }
  }

  @Test("Crdkafka is a module map and a header, nothing else")
  func systemLibrary() {
    #expect(Repository.names(in: "Sources/Crdkafka") == ["module.modulemap", "shim.h"])
  }

  @Test("Kafka imports the C library without giving it away")
  func importIsNotPublic() throws {
    for file in try Repository.swiftFiles(in: "Sources/Kafka") {
      let isExported = file.code.contains(#/\b(public|package|@_exported)\s+import\s+Crdkafka/#)
      #expect(!isExported, "\(file.path) exports its import of Crdkafka")
    }
  }

  @Test(
    "a C type in a signature is noticed",
    arguments: [
      "public func f(_ m: rd_kafka_message_t) {", "package var handle: OpaquePointer?",
      "public init(\n  code: Int,\n  error: rd_kafka_resp_err_t\n) {", "  package let a: [rd_kafka_topic_t]",
      "public func f() throws -> OpaquePointer {", "public func f() ->\n  OpaquePointer {",
      "public struct A: Sequence, rd_kafka_x {", "public func f<T>(_ t: T) -> rd_kafka_t {",
      "public typealias T = rd_kafka_t",
    ])
  func brokenLaw(_ source: String) {
    #expect(!offences(in: source).isEmpty)
  }

  @Test(
    "a C type within a body, or in what stays inside, is not",
    arguments: [
      "public func f() { rd_kafka_poll(handle, 0) }", "let handle: OpaquePointer",
      "public func f() {\n  rd_kafka_new()\n}",
      "public let a = Int(rd_kafka_version())", "public var a: Int { rd_kafka_outq_len(handle) }",
    ])
  func keptLaw(_ source: String) {
    #expect(offences(in: source).isEmpty)
  }

  private func offences(in code: String) -> [(line: Int, signature: String)] {
    let aliases = code.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
      .filter { $1.contains(#/\b(public|package)\s+typealias\b/#) && $1.contains(foreign) }
      .map { (line: $0 + 1, signature: String($1)) }
    let declarations = Declarations.exported(in: code).filter { $0.signature.contains(foreign) }
    return aliases + declarations.map { ($0.line, $0.signature) }
  }
}
