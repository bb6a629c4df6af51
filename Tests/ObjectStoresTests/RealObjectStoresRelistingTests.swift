import AsyncHTTPClient
import Crypto
import Foundation
import NIOCore
import NIOHTTP1
import Testing

@testable import ObjectStores

@Suite("A real OpenStack Swift that keeps objects without listing them")
struct RealObjectStoresRelistingTests {
  /// As a proxy hands an object to its object server, without naming a container that is to be told: what is left when
  /// that server is killed between the two.
  private func putUnlisted(_ object: NewObject, in container: String) async throws {
    let auth = try #require(URL(string: try RealStore.swift.variable("AUTH")))
    // .ci/openstack_swift.py: the object server is the proxy's port and 3, one device, 16 partitions, its own salt.
    let port = try #require(auth.port) + 3
    let path = "/AUTH_test/\(container)/\(object.key)"
    let hash = Hex.text(Array(Insecure.MD5.hash(data: Data("test\(path)test".utf8))))
    let partition = try #require(hash.first?.hexDigitValue)
    guard case .bytes(let bytes) = object.content else {
      Issue.record("the content is no bytes")
      return
    }
    var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/d1/\(partition)\(path)")
    request.method = .PUT
    request.headers = [
      "X-Timestamp": String(format: "%.5f", Date().timeIntervalSince1970), "Content-Type": object.contentType,
      "X-Object-Meta-Sha256": Hex.text(object.sha256), "X-Object-Meta-Other": "o",
      "X-Backend-Storage-Policy-Index": "0",
    ]
    request.body = .bytes(ByteBuffer(bytes: bytes))
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
    try #require(response.status == .created)
  }

  @Test("a put that finds the object there has it listed, with its metadata and type as they were")
  func relisted() async throws {
    let container = try await RealStore.swift.makeContainer()
    let store = try RealStore.swift.open(RealStore.swift.url(container))
    let swift = try #require(store as? SwiftObjectStore)
    let object = NewObject.text("hello", at: "a/k")
    try await putUnlisted(object, in: container)
    let before = try #require(try await swift.head("a/k"))
    #expect(try await store.list(prefix: "", after: nil).objects.isEmpty)
    let outcome = try await store.put(object)
    #expect(outcome == .alreadyThere)
    #expect(try await store.list(prefix: "", after: nil).objects == [ObjectFacts(key: "a/k", size: 5)])
    let after = try #require(try await swift.head("a/k"))
    for name in ["content-type", "content-length", "etag", "x-object-meta-sha256", "x-object-meta-other"] {
      #expect(after.header(name) == before.header(name), "\(name)")
    }
    await store.close()
  }

  @Test("a large object that is told of once more keeps its size in the list, and its content")
  func large() async throws {
    let container = try await RealStore.swift.makeContainer()
    let store = try RealStore.swift.open(RealStore.swift.url(container))
    let swift = try #require(store as? SwiftObjectStore)
    let content = [UInt8](repeating: 7, count: 7 * 1024 * 1024)
    let object = NewObject.bytes(content, at: "large")
    _ = try await store.put(object)
    let listed = try await store.list(prefix: "", after: nil).objects
    #expect(listed == [ObjectFacts(key: "large", size: Int64(content.count))])
    try await swift.tellContainer(of: "large")
    #expect(try await store.list(prefix: "", after: nil).objects == listed)
    let (bytes, facts) = try await store.whole("large")
    #expect(bytes == content)
    #expect(facts.sha256 == object.sha256)
    let again = try await store.put(object)
    #expect(again == .alreadyThere)
    await store.close()
  }
}
