import Foundation
import NIOHTTP1
import Testing

@testable import ObjectStores

/// The servers that `.ci/with-objectstores` starts.
enum RealStore: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case s3OfSeaweedFS = "S3_SEAWEEDFS"
  case s3OfSwift = "S3_SWIFT"

  var testDescription: String { rawValue }

  /// Fails the test when the servers are not there: it is never skipped quietly.
  func variable(_ name: String) throws -> String {
    try #require(
      ProcessInfo.processInfo.environment["OBJECTSTORE_\(rawValue)_\(name)"],
      "run it beside the servers: .ci/with-objectstores swift test --filter RealObjectStores")
  }

  /// `If-None-Match: *` is looked at and done in one step.
  var isAtomic: Bool { self == .s3OfSeaweedFS }

  func environment(id: String? = nil, secret: String? = nil) throws -> [String: String] {
    try [
      "AWS_ENDPOINT_URL_S3": variable("ENDPOINT"), "AWS_ACCESS_KEY_ID": id ?? variable("ACCESS_KEY_ID"),
      "AWS_SECRET_ACCESS_KEY": secret ?? variable("SECRET_ACCESS_KEY"), "AWS_REGION": "us-east-1",
    ]
  }

  func open(
    _ url: String, _ environment: [String: String]? = nil, limits: ObjectStoreLimits = ConformanceCheck.limits
  ) throws -> any ObjectStore {
    try openObjectStore(
      ObjectStoreConfiguration(url: url, environment: environment ?? self.environment(), limits: limits), logger: quiet)
  }

  /// A bucket or container of its own for the test.
  func makeContainer() async throws -> String {
    let name = "test-" + UUID().uuidString.lowercased()
    let store = try open("s3://\(name)")
    let s3 = try #require(store as? S3ObjectStore)
    _ = try await s3.client.send(.init(operation: .prepare, method: .PUT))
    await store.close()
    return name
  }

  func url(_ container: String, _ prefix: String = "") -> String { "s3://\(container)/\(prefix)" }
}

@Suite("Real servers are object stores")
struct RealObjectStoresTests {
  @Test(arguments: RealStore.allCases, ConformanceCheck.all)
  func conforms(_ server: RealStore, _ check: ConformanceCheck) async throws {
    let container = try await server.makeContainer()
    let store = try server.open(server.url(container, "some/prefix é+"))
    try await check.run(Place(store: store, isAtomic: server.isAtomic))
    await store.close()
  }
}
