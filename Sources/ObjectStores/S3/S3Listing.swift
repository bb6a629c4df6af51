import NIOHTTP1
import Synchronization

/// An answer to ListObjectsV2.
struct S3Listing: Sendable {
  /// In the server's order, keys and folders relative to the store's prefix.
  var entries: [FolderWalk.Entry] = []
  var isTruncated: Bool
  var continuationToken: String?

  /// Nil when it cannot be the answer to what was asked: garbled, or keys of another prefix.
  /// - Parameters:
  ///   - beginning: The store's prefix, with a `/` behind it; or empty.
  ///   - prefix: What was asked for, relative to it.
  init?(_ body: [UInt8], beginning: String, prefix: String) {
    guard let root = XMLElement.document(body), root.name == "ListBucketResult",
      let truncated = root["IsTruncated"]?.text, truncated == "true" || truncated == "false"
    else { return nil }
    isTruncated = truncated == "true"
    continuationToken = root["NextContinuationToken"]?.text
    for element in root.children {
      let key: String?
      var size: Int64?
      switch element.name {
      case "Contents":
        key = element["Key"]?.text
        size = element["Size"].flatMap { Int64($0.text) }
        guard let size, size >= 0 else { return nil }
      case "CommonPrefixes":
        key = element["Prefix"]?.text
        guard key?.hasSuffix("/") == true else { return nil }
      default: continue
      }
      guard let key, ObjectKey.begins(key, with: beginning + prefix) else { return nil }
      let name = String(decoding: key.utf8.dropFirst(beginning.utf8.count), as: UTF8.self)
      // Folders, as some programs mark them, are no objects.
      if name.isEmpty || (name.hasSuffix("/") && size == 0) { continue }
      entries.append(.init(name: name, size: size))
    }
  }
}

extension S3ObjectStore {
  /// Held in memory while a folder is listed.
  private static let folderEntriesMax = 1_000_000

  /// S3 lists in the order of keys' bytes. SeaweedFS and S3's directory buckets do not, and `start-after` means other
  /// things there: they are listed folder by folder.
  func list(prefix: String, after: String?) async throws(ObjectStoreError) -> ObjectListing {
    if !listsByFolder.load(ordering: .relaxed) {
      let page = try await request(prefix: prefix, after: after)
      if !listsByFolder.load(ordering: .relaxed) {
        if let listing = ordered(page, after: after) { return listing }
        listsByFolder.store(true, ordering: .relaxed)
        // Pages given before this one may lack keys.
        guard after == nil else {
          throw ObjectStoreError(
            .invalidAnswer,
            "\(location) does not list keys in S3's order; list again from the beginning, it will then "
              + "be listed folder by folder", isRetriable: true)
        }
      }
    }
    let walk = FolderWalk(prefix: prefix, after: after, objectsMax: limits.listObjectsMax) {
      [self] folder, _ throws(ObjectStoreError) in try await entries(of: folder)
    }
    return try await walk.page()
  }

  /// Nil when the order is not that of S3, or nothing would follow though it is said to.
  private func ordered(_ page: S3Listing, after: String?) -> ObjectListing? {
    var last = after
    for entry in page.entries {
      guard last.map({ ObjectKey.precedes($0, entry.name) }) ?? true else { return nil }
      last = entry.name
    }
    guard !page.isTruncated || last != after else { return nil }
    return ObjectListing(
      objects: page.entries.map { ObjectFacts(key: $0.name, size: $0.size ?? 0) }, next: page.isTruncated ? last : nil)
  }

  private func entries(of folder: String) async throws(ObjectStoreError) -> [FolderWalk.Entry] {
    var entries: [FolderWalk.Entry] = []
    var tokens: Set<String> = []
    var token: String?
    repeat {
      let page = try await request(prefix: folder, after: nil, isFolder: true, token: token)
      entries += page.entries.map {
        .init(name: String(decoding: $0.name.utf8.dropFirst(folder.utf8.count), as: UTF8.self), size: $0.size)
      }
      guard entries.count <= Self.folderEntriesMax else {
        throw ObjectStoreError(
          .notSupported,
          "\(location) has more than \(Self.folderEntriesMax) objects in one folder, and does not list keys in "
            + "S3's order")
      }
      token = page.isTruncated ? page.continuationToken : nil
      guard !page.isTruncated || token.map({ tokens.insert($0).inserted }) == true else { throw notAList.error }
    } while token != nil
    return entries.filter { !$0.name.isEmpty }
  }

  private func request(
    prefix: String, after: String?, isFolder: Bool = false, token: String? = nil
  ) async throws(ObjectStoreError) -> S3Listing {
    let address = client.address
    let beginning = address.prefix.isEmpty ? "" : address.prefix + "/"
    var query = [("list-type", "2"), ("max-keys", String(isFolder ? 1_000 : limits.listObjectsMax))]
    query.append(("prefix", beginning + prefix))
    if isFolder { query.append(("delimiter", "/")) }
    if let after { query.append(("start-after", beginning + after)) }
    if let token { query.append(("continuation-token", token)) }
    let request = S3Client.Request(
      operation: .list, method: .GET, query: query.filter { !$0.1.isEmpty }.map { (name: $0.0, value: $0.1) })
    return try await retrier.run(.list) { _ throws(AttemptFailure) in
      let answer = try await client.send(request)
      if answer.header("server")?.hasPrefix("SeaweedFS") == true { listsByFolder.store(true, ordering: .relaxed) }
      guard let page = S3Listing(answer.body, beginning: beginning, prefix: prefix) else { throw notAList }
      return page
    }
  }

  private var notAList: AttemptFailure {
    .passing(
      .invalidAnswer,
      "\(location) answers a list request with what is no list of its objects: is it an S3 server, and "
        + "no proxy between?", reason: "garbled")
  }
}
