/// Apache ACE's lines of text: fields divided by commas, with what would divide a field or a line escaped.
///
/// Source: ACE's `Codec`: `$` → `$$`, `,` → `$k`, line feed → `$n`, carriage return → `$r`; `$e` alone is null.
enum ACEText {
  /// A field as it stands in a line.
  static func encode(_ field: String?) -> String {
    guard let field else { return "$e" }
    var text = ""
    for scalar in field.unicodeScalars {
      switch scalar {
      case "$": text += "$$"
      case ",": text += "$k"
      case "\n": text += "$n"
      case "\r": text += "$r"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  static func line(_ fields: [String?]) -> String { fields.map(encode).joined(separator: ",") }

  /// A field of a line, taken out of it.
  /// - Returns: nil for a `$` that no escape follows; null for `$e`, which stands alone.
  static func decode(_ text: Substring) -> String?? {
    if text == "$e" { return .some(nil) }
    var field = ""
    var scalars = text.unicodeScalars.makeIterator()
    while let scalar = scalars.next() {
      guard scalar == "$" else {
        field.unicodeScalars.append(scalar)
        continue
      }
      switch scalars.next() {
      case "$": field += "$"
      case "k": field += ","
      case "n": field += "\n"
      case "r": field += "\r"
      default: return nil
      }
    }
    return .some(field)
  }

  /// The fields of a line; nil for a broken escape.
  static func fields(_ line: Substring) -> [String?]? {
    var fields: [String?] = []
    for part in line.split(separator: ",", omittingEmptySubsequences: false) {
      guard let field = decode(part) else { return nil }
      fields.append(field)
    }
    return fields
  }
}
