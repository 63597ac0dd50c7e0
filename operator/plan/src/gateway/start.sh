# nginx reads no resolv.conf. What is not always there it looks up when it is asked for, and for that it has to be told who knows names,
# and how the cluster ends them.
servers= domain=cluster.local
while read -r key values || [ -n "$key" ]; do
  case $key in
    nameserver)
      case $values in
        *%*) ;;
        *:*) servers="$servers [$values]" ;;
        *) servers="$servers $values" ;;
      esac ;;
    search) for name in $values; do case $name in svc.*) domain=${name#svc.} ;; esac; done ;;
  esac
done </etc/resolv.conf
{
  [ -z "$servers" ] || echo "resolver$servers valid=5s;"
  echo "map '' \$cluster_domain { default ${domain%.}; }"
} >/tmp/names.conf

# That nginx was about to stop does not hold for what is started anew in the same pod.
rm -f /tmp/closing
nginx -e stderr -c /etc/shopkeeper/nginx.conf &
server=$!
# nginx ends at once when it is told to stop by the usual signal; this asks it to finish what it has begun.
trap 'kill -QUIT $server' TERM INT
wait $server || wait $server
