/// The names of everything in an archive.
///
/// ```
/// topic=T/date=2026-11-21/hour=04/T+P+FIRST-LAST.ndjson.gz     actions: offsets FIRST to LAST of partition P
/// _manifests/topic=T/partition=P/SEQUENCE.json                 what a closed period of a partition holds
/// _manifests/topic=T/partition=P/SEQUENCE.json.sig             its signature
/// _cuts/topic=T/partition=P/FIRST.json                         what an object is going to hold, written before it
/// ```
///
/// Offsets have 20 digits and sequence numbers 12, so that names sort as numbers do. Readers such as Spark and Athena
/// pass over names that begin with an underscore. With a prefix a project, an object of actions lies at
/// `project=NAME/topic=T/…`; statements that belong to no project stay at `topic=T/…`.
package enum ArchiveKey: Sendable, Equatable {
  case object(ObjectName)
  case manifest(topic: String, partition: Int32, sequence: Int64)
  case signature(topic: String, partition: Int32, sequence: Int64)
  case cut(topic: String, partition: Int32, first: Int64)

  static let manifestFolder = "_manifests/"
  static let cutFolder = "_cuts/"
  static let sequenceMax: Int64 = 999_999_999_999

  package var topic: String {
    switch self {
    case .object(let name): name.topic
    case .manifest(let topic, _, _), .signature(let topic, _, _), .cut(let topic, _, _): topic
    }
  }

  package var text: String {
    switch self {
    case .object(let name): name.text
    case .manifest(let topic, let partition, let sequence):
      Self.manifests(topic, partition) + Self.padded(sequence, 12) + ".json"
    case .signature(let topic, let partition, let sequence):
      Self.manifests(topic, partition) + Self.padded(sequence, 12) + ".json.sig"
    case .cut(let topic, let partition, let first): Self.cuts(topic, partition) + Self.padded(first, 20) + ".json"
    }
  }

  static func manifests(_ topic: String, _ partition: Int32) -> String {
    "\(manifestFolder)topic=\(topic)/partition=\(partition)/"
  }

  static func cuts(_ topic: String, _ partition: Int32) -> String {
    "\(cutFolder)topic=\(topic)/partition=\(partition)/"
  }

  static func padded(_ number: Int64, _ digits: Int) -> String {
    let text = String(max(0, number))
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
  }

  /// Reads a key; nil for one that this archive does not write.
  package init?(_ text: String) {
    let key: ArchiveKey?
    if text.hasPrefix(Self.manifestFolder) {
      key = Self.bookkeeping(text.dropFirst(Self.manifestFolder.count)) { topic, partition, name in
        if let sequence = Self.number(name, digits: 12, suffix: ".json") {
          return .manifest(topic: topic, partition: partition, sequence: sequence)
        }
        return Self.number(name, digits: 12, suffix: ".json.sig").map {
          .signature(topic: topic, partition: partition, sequence: $0)
        }
      }
    } else if text.hasPrefix(Self.cutFolder) {
      key = Self.bookkeeping(text.dropFirst(Self.cutFolder.count)) { topic, partition, name in
        Self.number(name, digits: 20, suffix: ".json").map { .cut(topic: topic, partition: partition, first: $0) }
      }
    } else {
      key = ObjectName(text).map { .object($0) }
    }
    // Only the one way to write a key is that key: nothing may hide behind another spelling.
    guard let key, key.text == text else { return nil }
    self = key
  }

  private static func bookkeeping(
    _ text: Substring, _ make: (String, Int32, Substring) -> ArchiveKey?
  ) -> ArchiveKey? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].hasPrefix("topic="), parts[1].hasPrefix("partition="),
      let partition = Int32(parts[1].dropFirst(10)), partition >= 0
    else { return nil }
    return make(String(parts[0].dropFirst(6)), partition, parts[2])
  }

  private static func number(_ text: Substring, digits: Int, suffix: String) -> Int64? {
    guard text.hasSuffix(suffix) else { return nil }
    let number = text.dropLast(suffix.count)
    guard number.utf8.count == digits, number.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int64(number)
  }
}

/// The name of an object of lines.
package struct ObjectName: Sendable, Equatable, Hashable {
  package var project: String?
  package var topic: String
  package var partition: Int32
  /// The first and the last offset that it speaks for.
  package var first: Int64
  package var last: Int64
  package var date: String
  package var hour: String
  package var compression: ArchiveCompression

  init(
    project: String? = nil, topic: String, partition: Int32, first: Int64, last: Int64, startMilliseconds: Int64,
    compression: ArchiveCompression
  ) {
    self.project = project
    self.topic = topic
    self.partition = partition
    self.first = first
    self.last = last
    (date, hour) = ArchiveTime.dateAndHour(startMilliseconds)
    self.compression = compression
  }

  package var text: String {
    let prefix = project.map { "project=\($0)/" } ?? ""
    return prefix + "topic=\(topic)/date=\(date)/hour=\(hour)/\(topic)+\(partition)+\(ArchiveKey.padded(first, 20))-"
      + "\(ArchiveKey.padded(last, 20)).ndjson.\(compression.nameSuffix)"
  }

  init?(_ text: String) {
    var parts = text.split(separator: "/", omittingEmptySubsequences: false)[...]
    if parts.count == 5, let first = parts.first, first.hasPrefix("project=") {
      project = String(first.dropFirst(8))
      parts = parts.dropFirst()
    } else {
      project = nil
    }
    let folders = Array(parts)
    guard folders.count == 4, folders[0].hasPrefix("topic="), folders[1].hasPrefix("date="),
      folders[2].hasPrefix("hour=")
    else { return nil }
    topic = String(folders[0].dropFirst(6))
    date = String(folders[1].dropFirst(5))
    hour = String(folders[2].dropFirst(5))
    let fields = folders[3].split(separator: "+", omittingEmptySubsequences: false)
    guard date.utf8.count == 10, hour.utf8.count == 2, fields.count == 3, fields[0] == topic,
      let partition = Int32(fields[1]), partition >= 0,
      let compression = ArchiveCompression.allCases.first(where: { fields[2].hasSuffix(".ndjson.\($0.nameSuffix)") })
    else { return nil }
    let offsets = fields[2].prefix { $0 != "." }.split(separator: "-", omittingEmptySubsequences: false)
    guard offsets.count == 2, offsets.allSatisfy({ $0.utf8.count == 20 }), let first = Int64(offsets[0]),
      let last = Int64(offsets[1]), first >= 0, first <= last
    else { return nil }
    self.partition = partition
    self.first = first
    self.last = last
    self.compression = compression
  }
}
