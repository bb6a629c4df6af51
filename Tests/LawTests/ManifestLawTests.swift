import Testing

@Suite("Package.swift")
struct ManifestLawTests {
  @Test("gives each target only the dependencies that the table of modules allows")
  func dependenciesKeepTheTable() throws {
    let manifest = Manifest(text: try Repository.file("Package.swift").text)
    let sources = manifest.targets.filter { !$0.isTest && $0.path == nil }
    #expect(sources.map(\.name).sorted() == Repository.names(in: "Sources"), "targets and folders of Sources")
    for target in sources {
      for objection in objections(to: target) { Issue.record("Package.swift: \(objection)") }
    }
  }

  @Test("has no target that reaches Crdkafka past Kafka")
  func onlyKafkaHasTheLibrary() throws {
    let manifest = Manifest(text: try Repository.file("Package.swift").text)
    // A baseline is what our way to the library is measured against.
    let reaching = manifest.targets.filter {
      $0.targets.contains("Crdkafka") && $0.path?.hasPrefix("Benchmarks/") != true
    }
    #expect(reaching.map(\.name) == ["Kafka"])
  }

  @Test("is read as it is written")
  func reading() {
    let manifest = Manifest(
      text: """
        let package = Package(
          products: [.library(name: "A", targets: ["A"])],
          targets: [
            .systemLibrary(name: "C", pkgConfig: "c", providers: [.apt(["libc-dev"])]),
            // .target(name: "Gone", dependencies: ["A"]),
            .target(
              name: "A",
              dependencies: [
                "C", .product(name: "Logging", package: "swift-log"),
                "B",
              ],
              swiftSettings: strict),
            .executableTarget(name: "Bench", dependencies: ["A"], path: "Benchmarks/Bench"),
            .testTarget(name: "ATests", dependencies: ["A"]),
          ]
        )
        """)
    #expect(
      manifest.targets == [
        .init(name: "C"), .init(name: "A", targets: ["C", "B"], products: ["Logging"]),
        .init(name: "Bench", targets: ["A"], path: "Benchmarks/Bench"),
        .init(name: "ATests", targets: ["A"], isTest: true),
      ])
  }

  @Test("a dependency upwards, or on a guarded product, is noticed")
  func brokenLaws() {
    #expect(!objections(to: .init(name: "ActionStore", targets: ["Kafka"])).isEmpty)
    #expect(!objections(to: .init(name: "FeedServer", products: ["GRDB"])).isEmpty)
    #expect(!objections(to: .init(name: "Unheard")).isEmpty)
    #expect(objections(to: .init(name: "ActionStore", targets: ["AuditActions"], products: ["GRDB"])).isEmpty)
  }

  private func objections(to target: Manifest.Target) -> [String] {
    if ModuleTable.mayImport[target.name] == nil {
      return ["\(target.name) is not in the table of modules"]
    }
    return (target.targets + target.products).compactMap { ModuleTable.objection(to: $0, in: target.name) }
  }
}
