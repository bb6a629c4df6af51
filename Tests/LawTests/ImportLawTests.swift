import Testing

@Suite("The import graph")
struct ImportLawTests {
  @Test("every target imports only what the table of modules allows, never upwards")
  func sourcesKeepTheTable() throws {
    let targets = Repository.names(in: "Sources")
    #expect(targets.contains("Kafka") && targets.contains("ActionStore"), "the sources were not found")
    for target in targets {
      for file in try Repository.swiftFiles(in: "Sources/\(target)") {
        for (line, module) in Imports.modules(in: file.code) {
          if let objection = ModuleTable.objection(to: module, in: target) {
            Issue.record("\(file.path):\(line): \(objection)")
          }
        }
      }
    }
  }

  @Test("the table has no circle")
  func tableHasNoCircle() {
    var settled: Set<String> = []
    var remaining = ModuleTable.mayImport
    while let next = remaining.first(where: { settled.isSuperset(of: $0.value) }) {
      settled.insert(next.key)
      remaining[next.key] = nil
    }
    #expect(remaining.isEmpty)
  }

  @Test(
    "an import is found in each of its spellings",
    arguments: [
      "import GRDB", "public import GRDB", "@testable import GRDB", "@preconcurrency package import GRDB",
      "import struct GRDB.Row", "  internal import GRDB", "import Foundation; import GRDB",
      "@_exported import GRDB.Sub",
      "#if canImport(GRDB)\nimport GRDB\n#endif",
    ])
  func spellings(_ source: String) {
    #expect(Imports.modules(in: source).contains { $0.module == "GRDB" })
  }

  @Test(
    "what only looks like an import is none", arguments: ["// import GRDB", "let a = \"import GRDB\"", "importer()"])
  func notImports(_ source: String) {
    #expect(Imports.modules(in: SwiftCode.withoutCommentsAndText(source)).isEmpty)
  }

  @Test(
    "each broken law is noticed",
    arguments: [
      ("FeedServer", "Crdkafka"), ("strandline", "Crdkafka"), ("ActionIngest", "GRDB"), ("Kafka", "AuditActions"),
      ("ActionStore", "ActionIngest"), ("ActionStore", "Kafka"), ("ActionIngest", "FeedServer"),
      ("FeedServer", "ActionIngest"), ("AuditActions", "Kafka"), ("ActionEmitter", "ActionStore"),
      ("ActionArchive", "ActionStore"), ("Kafka", "strandline"), ("Unheard", "Foundation"),
    ])
  func brokenLaws(_ target: String, _ module: String) {
    #expect(ModuleTable.objection(to: module, in: target) != nil)
  }

  @Test(
    "what the table allows is not objected to",
    arguments: [
      ("Kafka", "Crdkafka"), ("ActionStore", "GRDB"), ("ActionIngest", "Kafka"), ("strandline", "FeedServer"),
      ("FeedServer", "NIOCore"), ("AuditActions", "Synchronization"),
    ])
  func allowed(_ target: String, _ module: String) {
    #expect(ModuleTable.objection(to: module, in: target) == nil)
  }
}
