import Logging
import NIOHTTP1

/// Swift keeps an object in one server and its name in another's list. Who is killed between the two leaves an object
/// that is read by its name and never listed, and a repeated put is refused (412): nothing would ever tell the
/// container.
///
/// A change of an object's metadata tells it once more, and leaves the content alone, of large objects too
/// (`swift/obj/server.py`, `POST`: a container update with the size, type and ETag the object has). So the metadata
/// is set to what it is.
extension SwiftObjectStore {
  /// What a change of metadata replaces as a whole, besides `X-Object-Meta-…`
  /// (https://docs.openstack.org/api-ref/object-store/#create-or-update-object-metadata). Content type, size, ETag and
  /// a large object's manifest stay without being named.
  private static let replacedHeaders: Set<String> = [
    "cache-control", "content-disposition", "content-encoding", "content-language", "expires", "x-delete-at",
    "x-object-manifest", "x-robots-tag",
  ]

  func ensureListed(_ key: String) async throws(ObjectStoreError) {
    try ObjectKey.check(key, prefix: prefix)
    // Of all that begin with the key, the key itself comes first.
    if try await list(prefix: key, after: nil, objectsMax: 1).objects.first?.key == key { return }
    do throws(ObjectStoreError) {
      try await tellContainer(of: key)
    } catch {
      guard !error.isRetriable else { throw error }
      // Lists may lag, and a server that only speaks like Swift may have another way to keep them.
      logger.warning(
        "an object is not in its container's list, and the store does not let it be listed anew",
        metadata: ["key": "\(ObjectKey.shown(key))", "store": "\(location)", "error": "\(error)"])
    }
  }

  /// Whether it was listed or not. Lists may lag all the same: whether it has helped is not asked.
  func tellContainer(of key: String) async throws(ObjectStoreError) {
    try await retrier.run(.relist) { _ throws(AttemptFailure) in
      guard let found = try await head(key) else { return }
      var request = SwiftClient.Request(
        operation: .relist, method: .POST, container: client.container, name: full(key))
      for (name, value) in found.headers {
        let name = name.lowercased()
        guard name.hasPrefix("x-object-meta-") || Self.replacedHeaders.contains(name) else { continue }
        request.headers.add(name: name, value: value)
      }
      _ = try await client.send(request, expecting: [404])
    }
  }
}
