import Foundation
import Logging
import NIOHTTP1
import Synchronization

/// Objects in a bucket of S3, or of a server that speaks as S3 does.
final class S3ObjectStore: RemoteObjectStore {
  static let sha256Header = "x-amz-meta-sha256"
  static let knownOptions: Set<String> = ["endpoint", "region", "style", "object-lock", "retain-days"]

  let location: String
  let client: S3Client
  let retrier: Retrier
  let limits: ObjectStoreLimits
  var prefix: String { client.address.prefix }
  let lock: ObjectLock?
  let files = LocalFiles()
  private let transport: Transport
  private let credentialTransport: Transport
  private let logger: Logger
  /// Cleared when the store answers that it knows no `If-None-Match`.
  private let isConditional = Atomic(true)
  /// Set when the store is found to list in another order than that of S3.
  let listsByFolder = Atomic(false)

  init(_ configuration: ObjectStoreConfiguration, _ url: StoreURL, clock: StoreClock, logger: Logger)
    throws(ObjectStoreError)
  {
    try url.check(knownOptions: Self.knownOptions)
    let environment = configuration.environment
    let address = try S3Address(url, environment: environment)
    lock = try ObjectLock(url)
    limits = try configuration.limits.checked()
    location = address.location
    self.logger = logger
    let metrics = StoreMetrics(store: "s3", factory: configuration.metricsFactory)
    transport = Transport(
      limits: limits, trustRoots: try Transport.trustRoots("AWS_CA_BUNDLE", in: environment), metrics: metrics)
    retrier = Retrier(limits: limits, clock: clock, metrics: metrics, logger: logger)
    var near = limits
    near.attemptsMax = min(limits.attemptsMax, 3)
    near.connectTimeoutSeconds = 2
    near.idleTimeoutSeconds = 5
    credentialTransport = Transport(limits: near, trustRoots: nil, metrics: metrics)
    let metadata = AWSMetadata(
      transport: credentialTransport,
      retrier: Retrier(limits: near, clock: clock, metrics: metrics, logger: logger), files: files)
    client = S3Client(
      address: address,
      credentials: AWSCredentialCache(
        source: try AWSCredentialSource(environment: environment), metadata: metadata, clock: clock, logger: logger),
      transport: transport, clock: clock, logger: logger)
  }

  func close() async {
    await transport.close()
    await credentialTransport.close()
  }

  // MARK: - Writing

  func put(_ object: NewObject) async throws(ObjectStoreError) -> PutOutcome {
    try ObjectKey.check(object.key, prefix: prefix)
    let content = try await UploadContent.open(object, files: files)
    let result =
      object.size > limits.singlePutBytesMax
      ? try await putInParts(object, content) : try await putWhole(object, content)
    switch result {
    case .exists: return try await compare(object)
    case .stored(let isSuspicious):
      try await confirm(object, readsBack: isSuspicious)
      return .stored
    }
  }

  enum PutResult: Sendable {
    /// - Parameter isSuspicious: Something in the answer does not fit what was sent.
    case stored(isSuspicious: Bool)
    case exists
  }

  private func putWhole(_ object: NewObject, _ content: UploadContent) async throws(ObjectStoreError) -> PutResult {
    try await retrier.run(.put) { attempt throws(AttemptFailure) in
      // The answer to an earlier try may have been lost; and there are servers that do not know conditions, or take no
      // notice of them and replace what is there.
      if attempt > 1 || !client.address.isAmazons, try await head(object.key) != nil { return .exists }
      var request = S3Client.Request(operation: .put, method: .PUT, key: object.key)
      request.headers = headers(for: object)
      request.headers.add(name: "x-amz-checksum-sha256", value: Data(object.sha256).base64EncodedString())
      if isConditional.load(ordering: .relaxed) { request.headers.add(name: "If-None-Match", value: "*") }
      request.payloadSHA256 = Hex.text(object.sha256)
      let digests = UploadDigests()
      request.body = content.body(expecting: object.sha256, digests)
      request.bodyBytes = content.size
      let answer = try await client.send(request, expecting: [412, 501])
      switch answer.status {
      case 412: return .exists
      case 501:
        guard isConditional.exchange(false, ordering: .relaxed) else { throw await client.judge(answer) }
        throw AttemptFailure(await client.judge(answer).error, next: .tryNow, reason: "unconditional")
      default: return .stored(isSuspicious: isForeign(etag: answer, md5: digests.md5))
      }
    }
  }

  /// Most stores' ETag is the content's MD5; one that looks like an MD5 and is another is looked into.
  private func isForeign(etag answer: StoreAnswer, md5: [UInt8]) -> Bool {
    guard let etag = answer.header("etag")?.filter({ $0 != "\"" }), let bytes = Hex.bytes(etag), bytes.count == 16
    else { return false }
    return bytes != md5
  }

  func headers(for object: NewObject) -> HTTPHeaders {
    var headers: HTTPHeaders = ["Content-Type": object.contentType, Self.sha256Header: Hex.text(object.sha256)]
    if let encoding = object.contentEncoding { headers.add(name: "Content-Encoding", value: encoding) }
    if let lock { headers.add(contentsOf: lock.headers(now: client.clock.now())) }
    return headers
  }

  /// Holds what the store has against what it was given.
  private func confirm(_ object: NewObject, readsBack: Bool) async throws(ObjectStoreError) {
    let name = ObjectKey.shown(object.key)
    let answer = try await headOfStored(object)
    let facts = facts(answer, key: object.key)
    guard facts.size == object.size, facts.sha256 == nil || facts.sha256 == object.sha256 else {
      throw ObjectStoreError(
        .invalidAnswer,
        "\(location) said that it stored '\(name)', \(object.size) bytes, and has \(facts.size) bytes or "
          + "other content under that name: do not trust this store before its disks are checked")
    }
    if facts.sha256 == nil || readsBack, try await readSHA256(object.key) != object.sha256 {
      throw ObjectStoreError(
        .invalidAnswer,
        "\(location) said that it stored '\(name)', and gives back other bytes: do not trust this store "
          + "before its disks are checked")
    }
    if let lock { try lock.check(answer, key: object.key, now: client.clock.now()) }
  }

  // MARK: - Reading

  /// Nil when there is no such object.
  func head(_ key: String) async throws(AttemptFailure) -> StoreAnswer? {
    let answer = try await client.send(
      .init(operation: .facts, method: .HEAD, key: key), expecting: [301, 307, 400, 403, 404])
    switch answer.status {
    case 404: return nil
    case 301, 307, 400, 403:
      // An answer to HEAD has no body, and so no reason. That to GET has.
      var request = S3Client.Request(operation: .facts, method: .GET, key: key)
      request.headers = ["Range": "bytes=0-0"]
      _ = try await client.send(request)
      throw await client.judge(answer)
    default: return answer
    }
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
      var request = S3Client.Request(operation: .read, method: .GET, key: key)
      if position > 0 { request.headers.add(name: "Range", value: "bytes=\(position)-") }
      if let etag { request.headers.add(name: "If-Match", value: etag) }
      return try await client.open(request)
    }
  }

  func note(abandoned key: String, _ error: ObjectStoreError) {
    logger.warning(
      "parts of an object that failed stay in the store; a lifecycle rule (AbortIncompleteMultipartUpload) removes them",
      metadata: ["store": "\(location)", "key": "\(key)", "error": "\(error)"])
  }

  // MARK: - Preparing

  func prepare() async throws(ObjectStoreError) {
    _ = try await list(prefix: "", after: nil)
    _ = try await retrier.run(.prepare) { _ throws(AttemptFailure) in try await head(ObjectKey.probe) }
    if let lock { try await probe(lock) }
    // The beginning of an object in parts shows that we may write, and leaves nothing when it is called off.
    let probe = NewObject(key: ObjectKey.probe, content: .bytes([]), sha256: [], contentType: "application/x-ndjson")
    let upload = try await beginParts(probe)
    try await abortParts(upload, key: ObjectKey.probe)
  }

  private func probe(_ lock: ObjectLock) async throws(ObjectStoreError) {
    let request = S3Client.Request(operation: .prepare, method: .GET, query: [(name: "object-lock", value: "")])
    let answer = try await retrier.run(.prepare) { _ throws(AttemptFailure) in
      try await client.send(request, expecting: [400, 404, 405, 501])
    }
    guard answer.status == 200, let root = XMLElement.document(answer.body),
      root.name == "ObjectLockConfiguration", root["ObjectLockEnabled"]?.text == "Enabled"
    else {
      throw ObjectStoreError(
        .notSupported,
        "the bucket '\(client.address.bucket)' would not honour retention (it answers "
          + "\(answer.status) to GET ?object-lock): \(S3Failures.lockAdvice)")
    }
  }
}
