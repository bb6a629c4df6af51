import Foundation
import NIOHTTP1
import NIOSSL
import Testing

@testable import ObjectStores

@Suite("TLS to an object store")
struct TLSTests {
  private static func path(_ name: String) -> String { Fixture.folder.appending(path: "tls/\(name)").path }

  /// A server whose certificate is for localhost, of an authority of its own.
  private func run(_ body: (HostileServer) async throws -> Void) async throws {
    let certificates = try NIOSSLCertificate.fromPEMFile(Self.path("cert.pem")).map {
      NIOSSLCertificateSource.certificate($0)
    }
    let key = try NIOSSLPrivateKey(file: Self.path("key.pem"), format: .pem)
    let context = try NIOSSLContext(
      configuration: .makeServerConfiguration(certificateChain: certificates, privateKey: .privateKey(key)))
    try await HostileServer.run(tls: context) { request, number in
      request.method == .HEAD ? (number == 1 ? .status(404) : goodHead("hello")) : .status(200)
    } _: { server in
      try await body(server)
    }
  }

  private func put(_ endpoint: String, bundle: String?) async throws -> Result<PutOutcome, ObjectStoreError> {
    var environment = ["AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"]
    environment["AWS_CA_BUNDLE"] = bundle
    var limits = ConformanceCheck.limits
    limits.attemptsMax = 2
    limits.backoffMaxMilliseconds = 1
    let store = try openObjectStore(
      ObjectStoreConfiguration(url: "s3://bucket", environment: environment, limits: limits), logger: quiet)
    let result: Result<PutOutcome, ObjectStoreError>
    do throws(ObjectStoreError) {
      result = .success(try await store.put(.text("hello", at: "k")))
    } catch {
      result = .failure(error)
    }
    await store.close()
    return result
  }

  @Test("works with an authority of one's own")
  func trusted() async throws {
    try await run { server in
      let result = try await put("https://localhost:\(server.port)", bundle: Self.path("ca.pem"))
      #expect(result == .success(.stored))
    }
  }

  @Test("to a server that is not to be trusted is refused, with what to do, and not tried again")
  func untrusted() async throws {
    try await run { server in
      let results = [
        try await put("https://localhost:\(server.port)", bundle: nil),
        try await put("https://127.0.0.1:\(server.port)", bundle: Self.path("ca.pem")),
      ]
      for result in results {
        guard case .failure(let error) = result else {
          Issue.record("trusted")
          continue
        }
        #expect(error.code == .invalidConfiguration)
        #expect(error.detail.contains("AWS_CA_BUNDLE"))
      }
      #expect(server.requests.isEmpty)
    }
  }

  @Test(
    "a file of authorities that is not there, or is none, is named",
    arguments: ["/no/such/file.pem", path("README.md")])
  func missingBundle(_ bundle: String) {
    let environments = [
      ("s3://bucket?region=r", ["AWS_CA_BUNDLE": bundle]),
      ("swift://c", ["ST_AUTH": "https://k", "ST_USER": "u", "ST_KEY": "k", "OS_CACERT": bundle]),
    ]
    for (url, environment) in environments {
      let error = #expect(throws: ObjectStoreError.self) {
        try openObjectStore(ObjectStoreConfiguration(url: url, environment: environment), logger: quiet)
      }
      #expect(error?.code == .invalidConfiguration)
      #expect(error?.detail.contains(bundle) == true)
    }
  }

  @Test("https where http is spoken, and the other way round, are clear errors")
  func mixedUp() async throws {
    try await run { server in
      let result = try await put("http://localhost:\(server.port)", bundle: nil)
      guard case .failure(let error) = result else {
        Issue.record("went well")
        return
      }
      #expect(error.code == .unavailable || error.code == .invalidAnswer)
    }
    try await HostileServer.run { _, _ in
      .status(200)
    } _: { server in
      let result = try await put("https://localhost:\(server.port)", bundle: Self.path("ca.pem"))
      guard case .failure(let error) = result else {
        Issue.record("went well")
        return
      }
      #expect(error.code == .unavailable)
      #expect(error.detail.contains("https"))
    }
  }
}
