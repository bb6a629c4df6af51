import Kafka

/// What brokers say of where a topic's records lie. Each question is answered by itself: records come in between.
protocol TopicPositions {
  func offsetsForTimes(
    _ times: [TopicPartition: Int64], timeout: Duration
  ) throws(KafkaError) -> [TopicPartition: Int64?]

  func watermarks(of partition: TopicPartition, timeout: Duration) throws(KafkaError) -> Watermarks
}

extension KafkaConsumer: TopicPositions {}

/// Where a store that has nothing begins to read: where records can still be alive.
struct RebuildStarts<Positions: TopicPositions> {
  let positions: Positions

  /// The first record of each partition that is not older, or a place before it.
  /// - Parameter oldest: in milliseconds since 1970; what is older has expired.
  func starts(
    of places: [TopicPartition], from oldest: Int64
  ) throws(KafkaError) -> [TopicPartition: Start] {
    let young = try positions.offsetsForTimes(
      Dictionary(places.map { ($0, max(1, oldest)) }) { first, _ in first }, timeout: .seconds(10))
    var starts: [TopicPartition: Start] = [:]
    for place in places {
      if let offset = young[place] ?? nil {
        starts[place] = .offset(offset)
      } else {
        starts[place] = try startBehindTheOld(place, oldest)
      }
    }
    return starts
  }

  /// Where nothing seems to be young. Its end is asked for first: what comes while the questions are answered lies behind
  /// it, and is not passed over.
  private func startBehindTheOld(_ place: TopicPartition, _ oldest: Int64) throws(KafkaError) -> Start {
    let end = try positions.watermarks(of: place, timeout: .seconds(5)).high
    if let offset = try positions.offsetsForTimes([place: max(1, oldest)], timeout: .seconds(10))[place] ?? nil {
      return .offset(offset)
    }
    // Nothing in it, or a broker that cannot look times up.
    let isEmpty = try positions.offsetsForTimes([place: 1], timeout: .seconds(10))[place] ?? nil == nil
    return isEmpty ? .beginning : .offset(end)
  }
}
