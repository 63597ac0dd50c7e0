# Asks the operator whether it is ready, with whichever of the two programs is there.
ask() {
  if command -v curl >/dev/null; then curl --fail --silent --show-error --max-time 5 "$1"; else wget -q -T 5 -O - "$1"; fi
}
tried=0
until ask "$URL/readyz"; do
  tried=$((tried + 1))
  [ "$tried" -lt "$TRIES" ] || { echo "$URL/readyz does not say that the operator is ready"; exit 1; }
  sleep 1
done
ask "$URL/metrics" | grep '^operator_build_info{'
