/// Parameters, and the header fields of answers.
extension OpenAPIDocument {
  static let parameters = #"""
    components:
      parameters:
        project:
          name: project
          in: path
          required: true
          schema: {type: string, minLength: 1, maxLength: 256, pattern: "^[A-Za-z0-9_.-]+$"}
        projectHeader:
          name: X-Project-ID
          in: header
          required: true
          schema: {type: string, minLength: 1, maxLength: 256, pattern: "^[A-Za-z0-9_.-]+$"}
        queue:
          name: queue
          in: path
          required: true
          schema: {type: string, minLength: 1, maxLength: 64, pattern: "^[A-Za-z0-9_.-]+$"}
        id:
          name: id
          in: path
          required: true
          description: Opaque; from an action's `href`
          schema: {type: string, pattern: "^[A-Za-z0-9_-]+$"}
        marker:
          name: marker
          in: query
          description: Opaque; from a page's `next`. Without one the page begins at the head of the queue.
          schema: {type: string, minLength: 1, maxLength: 11000, pattern: "^[A-Za-z0-9_-]+$"}
        queueMarker:
          name: marker
          in: query
          description: The name of the last queue seen
          schema: {type: string, minLength: 1, maxLength: 64, pattern: "^[A-Za-z0-9_.-]+$"}
        limit:
          name: limit
          in: query
          allowEmptyValue: true
          description: Actions on a page; empty is the default
          schema: {type: integer, minimum: 1, maximum: 50, default: 10}
        event:
          name: event
          in: query
          explode: true
          description: |
            Only actions with one of these events; at most 10. With nothing to show, one that is not audited is a 404.
          schema: {type: array, maxItems: 10, items: {type: string, minLength: 1, maxLength: 256}}
        ids:
          name: ids
          in: query
          style: form
          explode: false
          description: Up to 50 ids, divided by commas; stands alone. 404 when none of them is there.
          schema: {type: array, minItems: 1, maxItems: 50, items: {type: string}}
        prefer:
          name: Prefer
          in: header
          description: '`handling=strict` (RFC 7240): a gap is answered with 410, before it with the page up to it'
          schema: {type: string}
        verbose:
          name: verbose
          in: query
          allowEmptyValue: true
          description: A line for each check, `[+]name ok` or `[-]name failed` with what is wrong
          schema: {type: string}
        echo:
          name: echo
          in: query
          description: Sent by Zaqar's clients; changes nothing, as do the next two
          schema: {type: string}
        include_claimed:
          name: include_claimed
          in: query
          schema: {type: string}
        include_delayed:
          name: include_delayed
          in: query
          schema: {type: string}

    """# + sourceParameters + exchangeParameters + metadataParameters + headers + metadataHeaders

  private static let headers = #"""
      headers:
        Content-Location:
          description: The path and query of the request
          schema: {type: string}
        Link:
          description: '`<…>; rel="next"`, the same as in `links`'
          schema: {type: string}
        Location:
          description: Where the actions can be read; names the first 50 of them
          schema: {type: string}
        Cache-Control:
          schema: {type: string, const: no-store}
        Strandline-Complete-Through:
          description: |
            RFC 3339; the node has read everything the topic held at this moment. Absent when it does not know.
          schema: {type: string, format: date-time}
        Strandline-Lost:
          description: The sum of the gaps' counts; `unknown` when one of them was not counted. Absent without a gap.
          schema: {type: string, pattern: "^([0-9]+|unknown)$"}
        Strandline-Missing:
          description: |
            How many numbers have not come of the sources' logs that are known to be of this queue alone. Absent when none.
          schema: {type: integer, minimum: 1}
        Preference-Applied:
          description: '`handling=strict` when it was asked for'
          schema: {type: string}
        X-Request-Id:
          schema: {type: string}

    """#
}
