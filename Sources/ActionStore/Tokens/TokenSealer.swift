package import AuditActions
import Crypto
import CryptoExtras
import Foundation

/// Seals markers and ids into URL-safe text that nobody without the key can read, make or change, and opens them.
///
/// **Marker**, base64url without padding of: version (1 byte, 1) · tag (16) · sealed content. The content is the store
/// identity (16) and per partition: partition (4), offset (8), ordinal (8), little-endian. The tag is the first half of
/// HMAC-SHA-256 over version, queue and content; the content is combined with HMAC-SHA-256 of the tag in counter mode.
/// This is the SIV construction (RFC 5297) with HMAC: the same position always has the same text, and no nonce can
/// repeat.
///
/// **Id**, base64url of one AES-256 block: offset (8), partition (4), a check of the queue (4). 22 characters. A forged
/// one opens with a chance of 2⁻³², and then still has to name an action of that queue.
///
/// Both keys are derived from one (HKDF-SHA-256), so neither text tells anything of the other.
package struct TokenSealer: Sendable {
  package static let keyBytes = 32
  static let version: UInt8 = 1
  static let tagBytes = 16
  static let entryBytes = 20
  static let identityBytes = 16
  /// More than any text we make: a longer one is refused unread. A marker with 400 partitions fits.
  package static let textBytesMax = 11_000

  private let authentication: SymmetricKey
  private let encryption: SymmetricKey
  private let identifiers: SymmetricKey

  /// - Parameter key: 32 bytes, the same on every node of a feed.
  package init(key: [UInt8]) {
    let root = SymmetricKey(data: key)
    func derive(_ purpose: String) -> SymmetricKey {
      HKDF<SHA256>.deriveKey(inputKeyMaterial: root, info: Data("strandline \(purpose) v1".utf8), outputByteCount: 32)
    }
    authentication = derive("marker authentication")
    encryption = derive("marker encryption")
    identifiers = derive("action id")
  }

  // MARK: Markers

  package func seal(_ marker: Marker, queue: QueueAddress) -> String {
    var content = [UInt8](repeating: 0, count: Self.identityBytes + marker.entries.count * Self.entryBytes)
    content.withUnsafeMutableBytes { bytes in
      bytes.store(marker.identity.high, at: 0)
      bytes.store(marker.identity.low, at: 8)
      var position = Self.identityBytes
      for entry in marker.entries {
        bytes.store(entry.partition, at: position)
        bytes.store(entry.offset, at: position + 4)
        bytes.store(entry.ordinal, at: position + 12)
        position += Self.entryBytes
      }
    }
    let tag = self.tag(of: content, queue: queue)
    combine(&content, with: tag)
    return Base64URL.encode([Self.version] + tag + content)
  }

  /// - Throws: `invalidMarker` for every text this feed did not make for this queue.
  package func openMarker(_ text: String, queue: QueueAddress) throws(StoreError) -> Marker {
    let refusal = StoreError(
      .invalidMarker, "the marker is damaged or was made for another queue; take it from the `next` link as it is")
    guard text.utf8.count <= Self.textBytesMax, let bytes = Base64URL.decode(text) else { throw refusal }
    let headBytes = 1 + Self.tagBytes
    let contentBytes = bytes.count - headBytes - Self.identityBytes
    guard contentBytes >= 0, contentBytes % Self.entryBytes == 0, bytes[0] == Self.version else { throw refusal }
    let tag = Array(bytes[1..<headBytes])
    var content = Array(bytes[headBytes...])
    combine(&content, with: tag)
    guard isEqual(self.tag(of: content, queue: queue), tag) else { throw refusal }
    return content.withUnsafeBytes { content in
      let identity = StoreIdentity(high: content.integer(at: 0), low: content.integer(at: 8))
      let entries = stride(from: Self.identityBytes, to: content.count, by: Self.entryBytes).map { at in
        Marker.Entry(
          partition: content.integer(at: at), offset: content.integer(at: at + 4), ordinal: content.integer(at: at + 12)
        )
      }
      return Marker(entries: entries, identity: identity)
    }
  }

  private func tag(of content: [UInt8], queue: QueueAddress) -> [UInt8] {
    var code = HMAC<SHA256>(key: authentication)
    // Neither name holds a slash, so the end of the queue's name is plain.
    code.update(data: [Self.version] + Array(queue.key.utf8) + [0x2F])
    code.update(data: content)
    return Array(code.finalize().prefix(Self.tagBytes))
  }

  private func combine(_ content: inout [UInt8], with tag: [UInt8]) {
    var position = 0
    var counter: UInt8 = 0
    var block = tag + [0, 0]
    while position < content.count {
      block[Self.tagBytes] = counter
      for byte in HMAC<SHA256>.authenticationCode(for: block, using: encryption) where position < content.count {
        content[position] ^= byte
        position += 1
      }
      if counter == .max { block[Self.tagBytes + 1] &+= 1 }
      counter &+= 1
    }
  }

  /// Compares in a time that does not depend on where the two differ.
  private func isEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    guard a.count == b.count else { return false }
    return zip(a, b).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }

  // MARK: Ids

  package func seal(id position: ActionPosition, queue: QueueAddress) -> String {
    seal(id: position, check: Self.check(of: queue))
  }

  /// The same with the queue's check made once for a page.
  package func seal(id position: ActionPosition, check: UInt32) -> String {
    var block = [UInt8](repeating: 0, count: 16)
    block.withUnsafeMutableBytes { bytes in
      bytes.store(position.offset, at: 0)
      bytes.store(position.partition, at: 8)
      bytes.store(check, at: 12)
    }
    // Fails only for a block that has not 16 bytes.
    try? AES.permute(&block, key: identifiers)
    return Base64URL.encode(block)
  }

  package static func check(of queue: QueueAddress) -> UInt32 {
    let hash = QueueKey(queue.key).hash
    return UInt32(truncatingIfNeeded: hash ^ (hash >> 32))
  }

  /// - Throws: `invalidID` for every text this feed did not make for this queue.
  package func openID(_ text: String, queue: QueueAddress) throws(StoreError) -> ActionPosition {
    let refusal = StoreError(
      .invalidID, "the id is damaged or of another queue; take it from an action's `href` as it is")
    guard text.utf8.count == 22, var block = Base64URL.decode(text), block.count == 16,
      (try? AES.inversePermute(&block, key: identifiers)) != nil
    else { throw refusal }
    return try block.withUnsafeBytes { bytes -> Result<ActionPosition, StoreError> in
      let offset: Int64 = bytes.integer(at: 0)
      let partition: Int32 = bytes.integer(at: 8)
      guard offset >= 0, partition >= 0, bytes.integer(at: 12) == Self.check(of: queue) else {
        return .failure(refusal)
      }
      return .success(ActionPosition(partition: partition, offset: offset))
    }.get()
  }
}
