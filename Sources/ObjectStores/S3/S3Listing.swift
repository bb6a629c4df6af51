/// An answer to ListObjectsV2.
struct S3Listing: Sendable {
  let listing: ObjectListing

  /// Nil when it cannot be the answer to what was asked: garbled, keys of another prefix, out of order, or without end.
  init?(_ body: [UInt8], beginning: String, prefix: String, after: String?) {
    guard let root = XMLElement.document(body), root.name == "ListBucketResult",
      let truncated = root["IsTruncated"]?.text, truncated == "true" || truncated == "false"
    else { return nil }
    var objects: [ObjectFacts] = []
    var last = after
    for element in root.children where element.name == "Contents" {
      guard let full = element["Key"]?.text, let size = element["Size"].flatMap({ Int64($0.text) }), size >= 0,
        ObjectKey.begins(full, with: beginning)
      else { return nil }
      let key = String(decoding: full.utf8.dropFirst(beginning.utf8.count), as: UTF8.self)
      guard ObjectKey.begins(key, with: prefix), last.map({ ObjectKey.precedes($0, key) }) ?? true else { return nil }
      last = key
      // Folders, as some programs mark them, are no objects.
      if key.isEmpty || (key.hasSuffix("/") && size == 0) { continue }
      objects.append(ObjectFacts(key: key, size: size))
    }
    guard truncated == "false" || last != after else { return nil }
    listing = ObjectListing(objects: objects, next: truncated == "true" ? last : nil)
  }
}
