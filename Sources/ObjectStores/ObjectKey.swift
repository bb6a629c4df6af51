/// The rules for keys, the same for every store, so that an archive can move from one to another.
enum ObjectKey {
  /// Of a store's prefix and a key together. S3 and Swift allow 1,024; the rest is for the names of parts.
  static let bytesMax = 900
  /// Of what stands between two `/`: file systems allow no more.
  static let partBytesMax = 255
  /// What begins like this is not an object: a file on its way.
  static let reservedBeginning = ".strandline-"
  /// Of an object that never is: to find out what we may do.
  static let probe = reservedBeginning + "probe"

  /// - Throws: `invalidConfiguration` for a key that is empty, too long, begins or ends with `/`, has an empty part,
  ///   a part `.` or `..`, a control character, a backslash, or a last part with the reserved beginning.
  static func check(_ key: String, prefix: String = "") throws(ObjectStoreError) {
    if let objection = objection(to: key, prefix: prefix) {
      throw ObjectStoreError(.invalidConfiguration, "the object key '\(shown(key))' \(objection)")
    }
  }

  static func objection(to key: String, prefix: String) -> String? {
    if key.isEmpty { return "is empty" }
    if key.utf8.count + prefix.utf8.count + 1 > bytesMax { return "is longer than \(bytesMax) bytes (with the prefix)" }
    if key.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) { return "has a control character" }
    // Some stores take it for '/'.
    if key.utf8.contains(UInt8(ascii: "\\")) { return "has a backslash" }
    let parts = key.split(separator: "/", omittingEmptySubsequences: false)
    for part in parts {
      if part.isEmpty { return "begins or ends with '/', or has two of them in a row" }
      if part == "." || part == ".." { return "has a part '.' or '..'" }
      if part.utf8.count > partBytesMax { return "has a part longer than \(partBytesMax) bytes" }
      if part.hasPrefix(reservedBeginning) { return "has a part that begins with the reserved '\(reservedBeginning)'" }
    }
    return nil
  }

  /// A key fit for a message: shortened, without control characters.
  static func shown(_ key: String) -> String {
    let text = String(
      key.unicodeScalars.prefix(200).map { $0.properties.isWhitespace || $0.value < 0x20 ? " " : Character($0) })
    return text.count < key.count ? text + "…" : text
  }

  /// Whether `left` stands before `right` in a list: by bytes, not by characters.
  static func precedes(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
  }

  /// By bytes: `String`'s own would also hold for equivalent texts.
  static func begins(_ key: String, with prefix: String) -> Bool {
    key.utf8.starts(with: prefix.utf8)
  }
}
