import AuditActions
import Crypto

/// The public keys that sources sign with.
///
/// A text with, for each key, the source in a line of its own and the key's PEM block as `openssl pkey -pubout` writes it.
/// A source that has several is named before each, and any of them is good: that is how a key is replaced. Empty lines
/// may stand between, and lines that begin with `# `.
package struct SourceKeys: Sendable {
  /// Most keys of one source: a signature that is none is held against each.
  package static let keysOfSourceMax = 4

  /// By the source's bytes: two texts may be equal that are not the same source.
  private var keys: [[UInt8]: [Curve25519.Signing.PublicKey]] = [:]

  package init() {}

  /// - Throws: what is wrong, with the number of the line.
  package init(text: String) throws(SourceKeysFault) {
    var source: (text: String, line: Int)?
    var block: (text: String, line: Int)?
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let number = index + 1
      if block != nil {
        block?.text += line + "\n"
        guard line.hasPrefix("-----END"), let whole = block, let owner = source else { continue }
        try add(whole.text, line: whole.line, of: owner.text)
        (source, block) = (nil, nil)
      } else if line.hasPrefix("-----BEGIN") {
        guard source != nil else {
          throw SourceKeysFault(
            line: number, detail: "a key without its source: write the source in the line before it")
        }
        block = (line + "\n", number)
      } else if !line.allSatisfy(\.isWhitespace), line != "#", !line.hasPrefix("# ") {
        if let source { throw SourceKeysFault(line: source.line, detail: "no key follows the source") }
        do throws(AuditActionError) { source = (try ActionOrigin.source(String(line)), number) } catch {
          throw SourceKeysFault(line: number, detail: error.detail)
        }
      }
    }
    if let block { throw SourceKeysFault(line: block.line, detail: "the key's block does not end") }
    if let source { throw SourceKeysFault(line: source.line, detail: "no key follows the source") }
    guard !keys.isEmpty else { throw SourceKeysFault(line: 1, detail: "there is no source and no key") }
  }

  private mutating func add(_ pem: String, line: Int, of source: String) throws(SourceKeysFault) {
    guard let key = Ed25519PEM.publicKey(pem) else {
      throw SourceKeysFault(
        line: line,
        detail: "this is no public Ed25519 key in PEM: make one with openssl pkey -in private.pem -pubout")
    }
    let name = Array(source.utf8)
    guard keys[name, default: []].count < Self.keysOfSourceMax else {
      throw SourceKeysFault(line: line, detail: "a source has at most \(Self.keysOfSourceMax) keys")
    }
    keys[name, default: []].append(key)
  }

  package var isEmpty: Bool { keys.isEmpty }
  /// How many sources have keys.
  package var count: Int { keys.count }

  /// Nil for a source that has none.
  func keys(of source: UnsafeRawBufferPointer) -> [Curve25519.Signing.PublicKey]? {
    guard source.count <= ActionOrigin.sourceBytesMax else { return nil }
    return keys[Array(source)]
  }
}

/// Why a text names no sources and keys.
package struct SourceKeysFault: Error, Equatable, CustomStringConvertible {
  package let line: Int
  package let detail: String

  package var description: String { "line \(line): \(detail)" }
}
