import Foundation
import Logging
import NIOHTTP1

/// Objects in a container of OpenStack Swift.
final class SwiftObjectStore: RemoteObjectStore {
  static let sha256Header = "x-object-meta-sha256"

  let location: String
  let client: SwiftClient
  let retrier: Retrier
  let limits: ObjectStoreLimits
  let logger: Logger
  /// Where the segments of large objects are.
  let segmentsContainer: String
  let prefix: String
  private let transport: Transport
  private let files = LocalFiles()

  init(_ configuration: ObjectStoreConfiguration, _ url: StoreURL, clock: StoreClock, logger: Logger)
    throws(ObjectStoreError)
  {
    try url.check(knownOptions: ["segments"])
    guard Self.isContainer(url.authority) else {
      throw ObjectStoreError(
        .invalidConfiguration, "swift://container/prefix needs a container's name of at most 200 bytes")
    }
    prefix = url.path
    if !prefix.isEmpty { try ObjectKey.check(prefix) }
    segmentsContainer = url.options["segments"] ?? url.authority + "_segments"
    guard Self.isContainer(segmentsContainer), segmentsContainer != url.authority else {
      throw ObjectStoreError(
        .invalidConfiguration,
        "the option segments is the name of another container: what lies there is in no list of objects")
    }
    limits = try configuration.limits.checked()
    location = "swift://\(url.authority)" + (prefix.isEmpty ? "" : "/\(prefix)")
    self.logger = logger
    let metrics = StoreMetrics(store: "swift", factory: configuration.metricsFactory)
    transport = Transport(
      limits: limits, trustRoots: try Transport.trustRoots("OS_CACERT", in: configuration.environment), metrics: metrics
    )
    retrier = Retrier(limits: limits, clock: clock, metrics: metrics, logger: logger)
    client = SwiftClient(
      location: location, container: url.authority,
      sessions: SwiftSessions(
        signIn: try SwiftSignIn(environment: configuration.environment), transport: transport, retrier: retrier),
      transport: transport, clock: clock)
  }

  private static func isContainer(_ name: String) -> Bool {
    // 256 are allowed; the rest is for `_segments`.
    (1...200).contains(name.utf8.count) && !name.contains("/") && ObjectKey.objection(to: name, prefix: "") == nil
  }

  func close() async { await transport.close() }

  /// The key as it is in the container.
  func full(_ key: String) -> String { prefix.isEmpty ? key : "\(prefix)/\(key)" }

  // MARK: - Writing

  func put(_ object: NewObject) async throws(ObjectStoreError) -> PutOutcome {
    try ObjectKey.check(object.key, prefix: prefix)
    let content = try await UploadContent.open(object, files: files)
    let stored =
      object.size > limits.singlePutBytesMax
      ? try await putInSegments(object, content) : try await putWhole(object, content)
    guard let etag = stored else {
      let outcome = try await compare(object)
      // Perhaps of a try whose server was killed before it told the container.
      try await ensureListed(object.key)
      return outcome
    }
    try await confirm(object, etag: etag)
    return .stored
  }

  /// - Returns: The ETag the object must have; nil when one of its name exists.
  private func putWhole(_ object: NewObject, _ content: UploadContent) async throws(ObjectStoreError) -> String? {
    let digests = try await content.digests()
    guard digests.sha256 == object.sha256 else { throw object.contentDiffers }
    let etag = Hex.text(digests.md5)
    return try await retrier.run(.put) { attempt throws(AttemptFailure) -> String? in
      // The answer to an earlier try may have been lost.
      if attempt > 1, try await head(object.key) != nil { return nil }
      var request = SwiftClient.Request(
        operation: .put, method: .PUT, container: client.container, name: full(object.key))
      request.headers = headers(for: object)
      // Refused with 422 when what arrives has another MD5.
      request.headers.add(name: "ETag", value: etag)
      request.body = content.body(expecting: object.sha256, UploadDigests())
      request.bodyBytes = content.size
      return try await client.send(request, expecting: [412]).status == 412 ? nil : etag
    }
  }

  func headers(for object: NewObject) -> HTTPHeaders {
    var headers: HTTPHeaders = [
      "Content-Type": object.contentType, Self.sha256Header: Hex.text(object.sha256), "If-None-Match": "*",
    ]
    if let encoding = object.contentEncoding { headers.add(name: "Content-Encoding", value: encoding) }
    return headers
  }

  /// Holds what the store has against what it was given.
  private func confirm(_ object: NewObject, etag: String) async throws(ObjectStoreError) {
    let name = ObjectKey.shown(object.key)
    let answer = try await headOfStored(object)
    let facts = facts(answer, key: object.key)
    guard facts.size == object.size, facts.sha256 == nil || facts.sha256 == object.sha256 else {
      throw ObjectStoreError(
        .invalidAnswer,
        "\(location) said that it stored '\(name)', \(object.size) bytes, and has \(facts.size) bytes or "
          + "other content under that name: another writer, or a store not to be trusted before its disks are checked")
    }
    // Servers that only speak like Swift may have ETags of their own: then the bytes decide.
    let isProven = facts.sha256 != nil && answer.header("etag")?.filter({ $0 != "\"" }).lowercased() == etag
    if !isProven, try await readSHA256(object.key) != object.sha256 {
      throw ObjectStoreError(
        .invalidAnswer,
        "\(location) said that it stored '\(name)', and gives back other bytes: do not trust this store "
          + "before its disks are checked")
    }
  }

  // MARK: - Reading

  /// Nil when there is no such object. The newest of all replicas is asked for.
  func head(_ key: String) async throws(AttemptFailure) -> StoreAnswer? {
    let answer = try await client.send(
      .init(
        operation: .facts, method: .HEAD, container: client.container, name: full(key), headers: ["X-Newest": "true"]),
      expecting: [404])
    return answer.status == 404 ? nil : answer
  }

  func read(
    _ key: String, from offset: Int64, _ consume: (UnsafeRawBufferPointer) async throws -> Void
  ) async throws -> ObjectFacts {
    try ObjectKey.check(key, prefix: prefix)
    if offset != 0 {
      guard let facts = try await facts(of: key) else { throw FileObjectStore.notFound(key) }
      try checkOffset(offset, size: facts.size, key: key)
      if offset == facts.size { return facts }
    }
    let download = Download(key: key, sha256Header: Self.sha256Header, transport: transport, retrier: retrier)
    return try await download.run(from: offset, consume) { position, etag throws(AttemptFailure) in
      var request = SwiftClient.Request(
        operation: .read, method: .GET, container: client.container, name: full(key))
      if position > 0 { request.headers.add(name: "Range", value: "bytes=\(position)-") }
      if let etag { request.headers.add(name: "If-Match", value: etag) }
      return try await client.open(request)
    }
  }

  func list(prefix wanted: String, after: String?) async throws(ObjectStoreError) -> ObjectListing {
    try await list(prefix: wanted, after: after, objectsMax: limits.listObjectsMax)
  }

  func list(prefix wanted: String, after: String?, objectsMax: Int) async throws(ObjectStoreError) -> ObjectListing {
    let beginning = prefix.isEmpty ? "" : prefix + "/"
    var query = [("format", "json"), ("limit", String(objectsMax)), ("prefix", beginning + wanted)]
    if let after { query.append(("marker", beginning + after)) }
    let request = SwiftClient.Request(
      operation: .list, method: .GET, container: client.container,
      query: query.filter { !$0.1.isEmpty }.map { (name: $0.0, value: $0.1) })
    return try await retrier.run(.list) { _ throws(AttemptFailure) in
      let answer = try await client.send(request)
      guard let listing = listing(answer, beginning: beginning, wanted: wanted, after: after, max: objectsMax)
      else {
        throw .passing(
          .invalidAnswer,
          "\(location) answers a list request with what is no list of its objects: is it OpenStack Swift, "
            + "and no proxy between?", reason: "garbled")
      }
      return listing
    }
  }

  private struct Entry: Decodable {
    var name: String
    var bytes: Int64
  }

  /// Nil when it cannot be the answer to what was asked: garbled, keys of another prefix, or out of order.
  private func listing(
    _ answer: StoreAnswer, beginning: String, wanted: String, after: String?, max objectsMax: Int
  ) -> ObjectListing? {
    if answer.status == 204 { return ObjectListing(objects: [], next: nil) }
    guard let entries = try? JSONDecoder().decode([Entry].self, from: Data(answer.body)) else { return nil }
    var last = after
    var objects: [ObjectFacts] = []
    for entry in entries {
      guard entry.bytes >= 0, ObjectKey.begins(entry.name, with: beginning + wanted) else { return nil }
      let key = String(decoding: entry.name.utf8.dropFirst(beginning.utf8.count), as: UTF8.self)
      guard last.map({ ObjectKey.precedes($0, key) }) ?? true else { return nil }
      last = key
      // Folders, as some programs mark them, are no objects.
      if key.isEmpty || (key.hasSuffix("/") && entry.bytes == 0) { continue }
      objects.append(ObjectFacts(key: key, size: entry.bytes))
    }
    return ObjectListing(objects: objects, next: entries.count >= objectsMax ? last : nil)
  }

  // MARK: - Preparing

  func prepare() async throws(ObjectStoreError) {
    _ = try await list(prefix: "", after: nil)
    _ = try await retrier.run(.prepare) { _ throws(AttemptFailure) in try await head(ObjectKey.probe) }
    // To change what is not there is refused with 403 when we may not write, and else with 404.
    let request = SwiftClient.Request(
      operation: .prepare, method: .POST, container: client.container, name: full(ObjectKey.probe))
    try await retrier.run(.prepare) { _ throws(AttemptFailure) in _ = try await client.send(request, expecting: [404]) }
  }
}
