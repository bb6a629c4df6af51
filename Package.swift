// swift-tools-version: 6.2
import PackageDescription

/// One list of settings for every target: strict by default, deliberate access.
var strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]
// Set by CI. Only our own targets are meant: what we depend on may warn.
if Context.environment["BUILD_WARNINGS"] == "error" { strict.append(.treatAllWarnings(as: .error)) }

let package = Package(
  name: "strandline",
  products: [
    .executable(name: "strandline", targets: ["strandline"]),
    .executable(name: "example-worker", targets: ["ExampleWorker"]),
    .library(name: "ActionEmitter", targets: ["ActionEmitter"]),
    .library(name: "AuditActions", targets: ["AuditActions"]),
    .library(name: "Kafka", targets: ["Kafka"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    .systemLibrary(name: "Crdkafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
    .target(name: "Cprocessor"),
    .systemLibrary(name: "Czlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "Czstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .target(
      name: "Kafka",
      dependencies: [
        "Crdkafka", .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
      ],
      swiftSettings: strict),
    .target(name: "AuditActions", dependencies: ["Cprocessor"], swiftSettings: strict),
    .target(
      name: "ActionProof",
      dependencies: ["AuditActions", "Cprocessor", .product(name: "Crypto", package: "swift-crypto")],
      swiftSettings: strict),
    .target(
      name: "ActionEmitter",
      dependencies: [
        "AuditActions", "ActionProof", "Cprocessor", "Kafka", "QueueMetadata",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
      ],
      swiftSettings: strict),
    .target(
      name: "QueueMetadata",
      dependencies: [
        "AuditActions", "Kafka", .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
      ],
      swiftSettings: strict),
    .target(
      name: "ActionStore",
      dependencies: [
        "AuditActions", "Cprocessor", .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "CryptoExtras", package: "swift-crypto"), .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
      ],
      swiftSettings: strict),
    .target(
      name: "ActionIngest",
      dependencies: [
        "Kafka", "AuditActions", "ActionProof", "ActionStore", .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      swiftSettings: strict),
    .target(
      name: "ObjectStores",
      dependencies: [
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "Crypto", package: "swift-crypto"), .product(name: "Logging", package: "swift-log"),
        .product(name: "CoreMetrics", package: "swift-metrics"), .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ],
      swiftSettings: strict),
    .target(
      name: "ActionArchive",
      dependencies: [
        "Kafka", "AuditActions", "ActionProof", "ObjectStores", "Czlib", "Czstd",
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Logging", package: "swift-log"), .product(name: "Metrics", package: "swift-metrics"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      swiftSettings: strict),
    .target(
      name: "FeedServer",
      dependencies: [
        "AuditActions", "ActionStore", "ActionEmitter", "QueueMetadata",
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "HTTPTypes", package: "swift-http-types"), .product(name: "Logging", package: "swift-log"),
        .product(name: "CoreMetrics", package: "swift-metrics"), .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "strandline",
      dependencies: [
        "Kafka", "AuditActions", "ActionProof", "ActionEmitter", "ActionStore", "ActionIngest", "ActionArchive",
        "ObjectStores", "FeedServer", "QueueMetadata", "Cprocessor",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"), .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"), .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "ExampleWorker",
      dependencies: ["ActionEmitter", "AuditActions", .product(name: "Logging", package: "swift-log")],
      swiftSettings: strict),
    .executableTarget(
      name: "StoreBenchmark",
      dependencies: ["ActionStore", "AuditActions", .product(name: "Logging", package: "swift-log")],
      path: "Benchmarks/StoreBenchmark", swiftSettings: strict),
    .executableTarget(
      name: "PathBenchmark",
      dependencies: [
        "ActionEmitter", "ActionIngest", "ActionStore", "AuditActions", "Kafka",
        .product(name: "Logging", package: "swift-log"),
      ],
      path: "Benchmarks/PathBenchmark", swiftSettings: strict),
    .target(name: "ArchiveBaseline", dependencies: ["Crdkafka", "Czlib"], path: "Benchmarks/ArchiveBaseline"),
    .executableTarget(
      name: "ArchiveBenchmark",
      dependencies: [
        "ActionArchive", "ArchiveBaseline", "Kafka", "ObjectStores", .product(name: "Logging", package: "swift-log"),
      ],
      path: "Benchmarks/ArchiveBenchmark", swiftSettings: strict),

    .executableTarget(
      name: "Instructions",
      dependencies: [
        "ActionEmitter", "ActionIngest", "ActionProof", "ActionStore", "AuditActions", "FeedServer",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      path: "Benchmarks/Instructions", exclude: ["check", "counts"], swiftSettings: strict),

    .testTarget(
      name: "KafkaTests",
      dependencies: [
        "Kafka", .product(name: "Logging", package: "swift-log"), .product(name: "Metrics", package: "swift-metrics"),
      ],
      swiftSettings: strict),
    .testTarget(name: "AuditActionsTests", dependencies: ["AuditActions"], swiftSettings: strict),
    .testTarget(name: "ActionProofTests", dependencies: ["ActionProof", "AuditActions"], swiftSettings: strict),
    .testTarget(
      name: "ActionEmitterTests",
      dependencies: ["ActionEmitter", "ActionProof", "AuditActions", "Kafka", "QueueMetadata"],
      swiftSettings: strict),
    .testTarget(
      name: "QueueMetadataTests",
      dependencies: ["QueueMetadata", "AuditActions", "Kafka", .product(name: "Logging", package: "swift-log")],
      swiftSettings: strict),
    .testTarget(
      name: "ActionStoreTests",
      dependencies: ["ActionStore", "AuditActions", .product(name: "Crypto", package: "swift-crypto")],
      swiftSettings: strict),
    .testTarget(
      name: "ActionIngestTests",
      dependencies: ["ActionIngest", "ActionProof", "ActionStore", "AuditActions", "Kafka"],
      swiftSettings: strict),
    .testTarget(
      name: "FeedServerTests",
      dependencies: [
        "FeedServer", "ActionStore", "ActionEmitter", "AuditActions", "Kafka", "QueueMetadata",
        .product(name: "HummingbirdTesting", package: "hummingbird"),
        .product(name: "NIOEmbedded", package: "swift-nio"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ActionArchiveTests",
      dependencies: [
        "ActionArchive", "ActionProof", "ObjectStores", "Kafka", "AuditActions",
        .product(name: "Crypto", package: "swift-crypto"), .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ObjectStoresTests",
      dependencies: [
        "ObjectStores", .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "Crypto", package: "swift-crypto"), .product(name: "Logging", package: "swift-log"),
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "MetricsTestKit", package: "swift-metrics"), .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ],
      swiftSettings: strict),
    .testTarget(name: "StrandlineTests", dependencies: ["AuditActions", "strandline"], swiftSettings: strict),
    .testTarget(name: "LawTests", swiftSettings: strict),
    .testTarget(
      name: "IntegrationTests",
      dependencies: [
        "Kafka", "AuditActions", "ActionEmitter", "ActionStore", "ActionIngest", "FeedServer", "QueueMetadata",
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ],
      exclude: [
        "Support", "archive.py", "archive_stores.py", "store_faults.py", "broker_faults.py", "cloudtrail.py",
        "crash.py", "spool_crash.py",
      ],
      swiftSettings: strict),
  ]
)

// A program of its own that looks inside the targets. An optimised build lets it only with -enable-testing, which
// nobody else needs: so it is there when it is asked for (`make fuzz`).
if Context.environment["BUILD_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(
      name: "Fuzz",
      dependencies: [
        "Kafka", "AuditActions", "ActionStore", "ActionIngest", "FeedServer", "ActionArchive", "ObjectStores",
        .product(name: "Crypto", package: "swift-crypto"), .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOEmbedded", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
      ],
      path: "Tests/Fuzz", swiftSettings: strict))
}
