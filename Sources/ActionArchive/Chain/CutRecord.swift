/// One object of lines, as cuts and manifests name it.
package struct ObjectRecord: Sendable, Equatable {
  package var key: String
  /// The offsets it speaks for: each has a line, or is in a gap or a hole that has one. (With an object a project, the
  /// objects of one cut share the offsets.)
  package var first: Int64
  package var last: Int64
  var content: ObjectContent

  package var bytes: Int64 { content.bytes }
  package var actions: Int64 { content.actions }
  package var rejected: Int64 { content.rejected }
  package var times: ClosedRange<Int64>? { content.times }

  var canonical: CanonicalJSON {
    .object([
      "key": .string(key), "firstOffset": .integer(first), "lastOffset": .integer(last),
      "sha256": .string(Hex.text(content.sha256)), "bytes": .integer(content.bytes),
      "contentSHA256": .string(Hex.text(content.contentSHA256)), "contentBytes": .integer(content.contentBytes),
      "lines": .integer(content.lines), "actions": .integer(content.actions), "rejected": .integer(content.rejected),
      "gapOffsets": .integer(content.gapOffsets), "holeOffsets": .integer(content.holeOffsets),
      "firstTime": .optional(content.times.map { ArchiveTime.text($0.lowerBound) }),
      "lastTime": .optional(content.times.map { ArchiveTime.text($0.upperBound) }),
    ])
  }

  init(key: String, first: Int64, last: Int64, content: ObjectContent) {
    self.key = key
    self.first = first
    self.last = last
    self.content = content
  }

  init(_ fields: BookkeepingFields) throws(ArchiveError) {
    key = try fields.text("key")
    first = try fields.integer("firstOffset")
    last = try fields.integer("lastOffset")
    guard first <= last else { throw ArchiveError(.garbled, "an object ends at \(last), before it begins at \(first)") }
    content = ObjectContent()
    content.sha256 = try fields.sha256("sha256")
    content.contentSHA256 = try fields.sha256("contentSHA256")
    content.bytes = try fields.integer("bytes")
    content.contentBytes = try fields.integer("contentBytes")
    content.lines = try fields.integer("lines")
    content.actions = try fields.integer("actions")
    content.rejected = try fields.integer("rejected")
    content.gapOffsets = try fields.integer("gapOffsets")
    content.holeOffsets = try fields.integer("holeOffsets")
    if let earliest = try fields.optionalTime("firstTime"), let latest = try fields.optionalTime("lastTime") {
      guard earliest <= latest else { throw ArchiveError(.garbled, "'lastTime' is before 'firstTime'") }
      content.times = earliest...latest
    }
  }
}

/// The decision where an object begins and ends, stored under its first offset *before* the object.
///
/// It makes every repeat end the same: the store takes one decision for each first offset, so a process that comes back
/// after a crash, or two that believe to own a partition, make the same object, also where the end was no limit but the
/// moment (`--once`). It also is what the next manifest is made of, so that nothing has to be read again.
package struct CutRecord: Sendable, Equatable {
  static let format = "strandline-cut/1"

  package var topic: String
  package var partition: Int32
  package var first: Int64
  package var last: Int64
  /// The period it is filed under, in milliseconds since 1970.
  package var startMilliseconds: Int64
  package var periodSeconds: Int64
  /// At least one.
  package var objects: [ObjectRecord]
  package var holes: [ClosedRange<Int64>]
  /// Nil when it holds statements only.
  package var lastRecord: LastRecord?

  var key: ArchiveKey { .cut(topic: topic, partition: partition, first: first) }

  var bytes: [UInt8] {
    CanonicalJSON.object([
      "format": .string(Self.format), "topic": .string(topic), "partition": .integer(Int64(partition)),
      "firstOffset": .integer(first), "lastOffset": .integer(last),
      "periodStart": .string(ArchiveTime.text(startMilliseconds)), "periodSeconds": .integer(periodSeconds),
      "objects": .array(objects.map(\.canonical)), "holes": .array(holes.map(\.canonical)),
    ]).merging(LastRecord.canonical(lastRecord)).bytes
  }
}

extension CutRecord {
  /// - Throws: `garbled` for anything that this code does not write.
  init(bytes: [UInt8]) throws(ArchiveError) {
    let result: Result<CutRecord, ArchiveError> = bytes.withUnsafeBytes { raw in
      do throws(ArchiveError) { return .success(try CutRecord(BookkeepingFields(raw))) } catch {
        return .failure(error)
      }
    }
    self = try result.get()
    guard self.bytes == bytes else { throw ArchiveError(.garbled, "it is not in the form that is written here") }
  }

  private init(_ fields: BookkeepingFields) throws(ArchiveError) {
    guard try fields.text("format") == Self.format else {
      throw ArchiveError(.garbled, "its format is not \(Self.format)")
    }
    topic = try fields.text("topic")
    partition = Int32(clamping: try fields.integer("partition", in: 0...Int64(Int32.max)))
    first = try fields.integer("firstOffset")
    last = try fields.integer("lastOffset")
    startMilliseconds = try fields.time("periodStart")
    periodSeconds = try fields.integer("periodSeconds", in: 1...PeriodLength.secondsMax)
    objects = []
    for element in try fields.elements("objects") { objects.append(try ObjectRecord(element)) }
    holes = try fields.ranges("holes")
    lastRecord = try LastRecord(fields)
    guard first <= last, !objects.isEmpty, objects.allSatisfy({ $0.first == first && $0.last == last }),
      lastRecord.map({ (first...last).contains($0.offset) }) ?? true
    else {
      throw ArchiveError(.garbled, "its offsets do not fit together")
    }
  }
}

extension ClosedRange<Int64> {
  var canonical: CanonicalJSON { .object(["from": .integer(lowerBound), "to": .integer(upperBound)]) }
}

extension BookkeepingFields {
  func ranges(_ name: String) throws(ArchiveError) -> [ClosedRange<Int64>] {
    var ranges: [ClosedRange<Int64>] = []
    for element in try elements(name) {
      let from = try element.integer("from")
      let to = try element.integer("to")
      guard from <= to else { throw ArchiveError(.garbled, "in '\(name)' \(to) comes before \(from)") }
      ranges.append(from...to)
    }
    return ranges
  }
}
